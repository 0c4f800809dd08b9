"""What the server of a model takes: learned from its replies, not from its name, and remembered for the process."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

INPUTS_PER_REQUEST = 64
"""Far below OpenAI's limit: several medium requests at once are faster than one large one. Some servers take fewer."""


@dataclass(frozen=True, slots=True)
class ChatCapabilities:
    """`opens_thoughts` is False if thoughts come in the text and only their closing tag is sent."""

    system_role: bool = True
    temperature: bool = True
    opens_thoughts: bool = True

    def fallbacks(self, temperature: bool) -> Iterator["ChatCapabilities"]:
        """Yield what to try after a request was refused, the likeliest first."""
        if self.system_role:
            yield replace(self, system_role=False)
        if temperature and self.temperature:
            yield replace(self, temperature=False)
            if self.system_role:
                yield replace(self, system_role=False, temperature=False)

    @property
    def limitations(self) -> tuple[str, ...]:
        return tuple(
            text
            for supported, text in (
                (self.system_role, "no system role: instructions are sent with the first message"),
                (self.temperature, "TEMPERATURE is refused and not sent"),
                (self.opens_thoughts, "thoughts without an opening tag: answers appear when thinking has ended"),
            )
            if not supported
        )


@dataclass(frozen=True, slots=True)
class EmbeddingCapabilities:
    """`base64` is None until the server has taken or refused it."""

    base64: bool | None = None
    max_inputs: int = INPUTS_PER_REQUEST

    @property
    def limitations(self) -> tuple[str, ...]:
        few = (f"at most {self.max_inputs} texts a request",) if self.max_inputs < INPUTS_PER_REQUEST else ()
        return (*few, *(("no base64: vectors are sent as numbers",) if self.base64 is False else ()))
