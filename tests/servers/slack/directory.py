"""Workspaces, users, channels and installations that a test sets up."""

from tests.servers.slack.calls import App, Installation
from tests.servers.slack.objects import Channel, Kind, Team, User, UserGroup, new_id
from tests.servers.slack.platform import Platform
from tests.servers.slack.rules import BOT_SCOPES, Rules


class Directory(Platform):
    """A Slack with one workspace, an admin, a user, the app's bot and a channel of all three."""

    def __init__(self, rules: Rules | None = None, *, scopes: frozenset[str] = BOT_SCOPES) -> None:
        super().__init__(rules)
        self.team = self.add_team("Acme", "acme", team_id="T0ACME0001")
        self.installation = self.install(self.team, scopes=scopes, token="xoxb-loopback", bot_user_id="U0BOT00001")
        self.bot = self.installation.bot
        self.admin = self.add_user("ada", "Ada Admin", is_admin=True, user_id="U0ADMIN001")
        self.user = self.add_user("grace", "Grace Person", user_id="U0PERSON01")
        self.channel = self.add_channel("general", self.admin, self.user, self.bot, channel_id="C0GENERAL1")

    @property
    def bot_token(self) -> str:
        return self.installation.token

    def add_team(self, name: str, domain: str, *, team_id: str | None = None) -> Team:
        team = Team(team_id or new_id("T"), name, domain)
        self.store.teams[team.id] = team
        return team

    def add_user(self, name: str, real_name: str = "", *, team: Team | None = None, is_admin: bool = False,
                 is_owner: bool = False, is_bot: bool = False, tz: str = "Europe/London",
                 user_id: str | None = None) -> User:  # fmt: skip
        user = User(user_id or new_id("U"), (team or self.team).id, name, real_name or name.title())
        user.is_admin, user.is_owner, user.is_bot, user.tz = is_admin, is_owner, is_bot, tz
        user.bot_id = new_id("B") if is_bot else None
        self.store.users[user.id] = user
        return user

    def add_channel(self, name: str, *members: User, kind: Kind = "channel", team: Team | None = None,
                    archived: bool = False, restricted: str | None = None,
                    channel_id: str | None = None) -> Channel:  # fmt: skip
        channel = Channel(channel_id or new_id("C"), (team or self.team).id, name, kind, {user.id for user in members})
        channel.archived, channel.restricted = archived, restricted
        self.store.channels[channel.id] = channel
        return channel

    def add_usergroup(self, handle: str, *users: User, group_id: str | None = None) -> UserGroup:
        group = UserGroup(group_id or new_id("S"), self.team.id, handle, [user.id for user in users])
        self.store.usergroups[group.id] = group
        return group

    def install(self, team: Team, *, app: App | None = None, scopes: frozenset[str] = BOT_SCOPES,
                token: str | None = None, bot_user_id: str | None = None) -> Installation:  # fmt: skip
        """Install the app in another workspace, or another app in this one, with its own bot user and token."""
        app = app or self.app
        bot = self.add_user(app.name, app.name.title(), team=team, is_bot=True, user_id=bot_user_id)
        installation = Installation(token or f"xoxb-{new_id('', 12)}", app, team.id, bot, set(scopes))
        self.installations[installation.token] = installation
        return installation

    def direct(self, user: User | str) -> Channel:
        """Return the user's direct messages with the app."""
        user = self.find_user(user)
        installation = self.installed(user.team)
        assert installation, "the app is not installed in that workspace"
        return self.store.direct((user.id, installation.bot.id), user.team)

    def find_user(self, user: User | str) -> User:
        return user if isinstance(user, User) else self.store.users[user]

    def find_channel(self, channel: Channel | str) -> Channel:
        return channel if isinstance(channel, Channel) else self.store.channels[channel]
