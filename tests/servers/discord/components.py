"""Validation of buttons, menus, layouts and modals."""

from tests.servers.discord.errors import Form
from tests.servers.discord.objects import Json, walk

ROW, BUTTON, STRING_SELECT, TEXT_INPUT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = range(1, 9)
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 9, 10, 11, 12, 13, 14, 17, 18
SELECTS = (STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT)
LINK, PREMIUM = 5, 6
LAYOUT = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER)
MOST_COMPONENTS, MOST_TEXT = 40, 4000


def check_components(form: Form, path: str, components: object, *, version_2: bool) -> None:
    """Collect faults: at most five rows, or (V2) 40 parts with 4,000 characters of text."""
    placed = form.objects(path, components)
    if version_2:
        _check_layout(form, path, [component for _, component in placed])
    else:
        form.length(path, components if isinstance(components, list) else None, 5)
    for index, component in placed:
        form.choice(f"{path}.{index}.type", component.get("type"), LAYOUT if version_2 else (ROW,))
        _check_part(form, f"{path}.{index}", component)
    _check_unique(form, path, placed, set())


def _check_layout(form: Form, path: str, components: list[Json]) -> None:
    parts = list(walk(components))
    if len(parts) > MOST_COMPONENTS:
        message = f"The total number of components exceeds {MOST_COMPONENTS}"
        form.fault(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
    text = sum(len(str(part.get("content", ""))) for part in parts if part.get("type") == TEXT)
    if text > MOST_TEXT:
        message = f"The total length of displayable text in a message exceeds {MOST_TEXT}"
        form.fault(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)


def _check_part(form: Form, path: str, component: Json) -> None:
    match component.get("type"):
        case 1:
            _check_row(form, path, component.get("components"))
        case 2:
            _check_button(form, path, component)
        case 3 | 5 | 6 | 7 | 8:
            _check_select(form, path, component)
        case 9 | 17:
            for index, part in form.objects(f"{path}.components", component.get("components")):
                _check_part(form, f"{path}.components.{index}", part)
            if accessory := component.get("accessory"):
                _check_part(form, f"{path}.accessory", accessory)
        case 10:
            form.required(f"{path}.content", component.get("content"), MOST_TEXT)


def _check_row(form: Form, path: str, components: object) -> None:
    """Require one to five buttons, or one menu."""
    form.required(f"{path}.components", components, 5)
    parts = form.objects(f"{path}.components", components)
    menus = [part for _, part in parts if part.get("type") in SELECTS]
    if menus and len(parts) > 1:
        form.fault(
            f"{path}.components.1",
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
            "The specified component exceeds the maximum width",
        )
    for index, part in parts:
        form.choice(f"{path}.components.{index}.type", part.get("type"), (BUTTON, *SELECTS))
        _check_part(form, f"{path}.components.{index}", part)


def _check_button(form: Form, path: str, button: Json) -> None:
    form.length(f"{path}.label", button.get("label"), 80)
    form.choice(f"{path}.style", button.get("style"), range(1, 7))
    if button.get("style") == LINK:
        form.required(f"{path}.url", button.get("url"), 512)
        if button.get("custom_id"):
            message = "A custom id and url cannot both be specified"
            form.fault(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", message)
        elif not str(button.get("url") or "https://").startswith(("http://", "https://", "discord://")):
            message = "Scheme is not supported. Scheme must be one of ('http', 'https', 'discord')."
            form.fault(f"{path}.url", "URL_TYPE_INVALID_SCHEME", message)
    elif button.get("style") != PREMIUM:
        form.required(f"{path}.custom_id", button.get("custom_id"), 100)
        if button.get("url"):
            form.fault(path, "BUTTON_COMPONENT_INVALID_STYLE", "Url cannot be used with this style")
    if button.get("style") != PREMIUM and not (button.get("label") or button.get("emoji")):
        form.fault(f"{path}.label", "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A label or emoji is required")


def _check_select(form: Form, path: str, menu: Json) -> None:
    form.required(f"{path}.custom_id", menu.get("custom_id"), 100)
    form.length(f"{path}.placeholder", menu.get("placeholder"), 150)
    if menu["type"] != STRING_SELECT:
        return
    options = menu.get("options")
    form.required(f"{path}.options", options, 25)
    values = set()
    for index, option in form.objects(f"{path}.options", options):
        form.required(f"{path}.options.{index}.label", option.get("label"), 100)
        form.required(f"{path}.options.{index}.value", option.get("value"), 100)
        form.length(f"{path}.options.{index}.description", option.get("description"), 100)
        if option.get("value") in values:
            message = "The specified option value is already used"
            form.fault(f"{path}.options.{index}.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)
        values.add(option.get("value"))


def _check_unique(form: Form, path: str, placed: list[tuple[int, Json]], seen: set[str]) -> None:
    """Refuse duplicate custom ids at any depth, including those of disabled parts."""
    for index, component in placed:
        here = f"{path}.{index}"
        _check_own(form, here, component, seen)
        _check_unique(form, f"{here}.components", list(enumerate(component.get("components") or ())), seen)
        if accessory := component.get("accessory"):
            _check_own(form, f"{here}.accessory", accessory, seen)


def _check_own(form: Form, path: str, component: Json, seen: set[str]) -> None:
    custom_id = component.get("custom_id")
    if custom_id and custom_id in seen:
        message = "Component custom id cannot be duplicated"
        form.fault(f"{path}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
    seen.add(custom_id or "")


def check_modal(modal: Json) -> None:
    """Require a title up to 45 and an id up to 100 characters, and one to five rows or labels of one input each."""
    form = Form("data")
    form.required("title", modal.get("title"), 45)
    form.required("custom_id", modal.get("custom_id"), 100)
    form.required("components", modal.get("components"), 5)
    placed = form.objects("components", modal.get("components"))
    for index, component in placed:
        path = f"components.{index}"
        form.choice(f"{path}.type", component.get("type"), (ROW, TEXT, LABEL))
        if component.get("type") == LABEL:
            form.required(f"{path}.label", component.get("label"), 45)
            form.length(f"{path}.description", component.get("description"), 100)
        for part in walk([component]):
            if part.get("type") == TEXT_INPUT:
                _check_text_input(
                    form, f"{path}.component" if "component" in component else f"{path}.components.0", part
                )
    _check_unique(form, "components", placed, set())
    form.check()


def _check_text_input(form: Form, path: str, part: Json) -> None:
    form.required(f"{path}.custom_id", part.get("custom_id"), 100)
    form.length(f"{path}.label", part.get("label"), 45)
    form.length(f"{path}.placeholder", part.get("placeholder"), 100)
    form.length(f"{path}.value", part.get("value"), 4000)
    form.choice(f"{path}.style", part.get("style"), (1, 2))
