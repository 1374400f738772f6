"""The command `parley`."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import click

from app.errors import ParleyError, SettingError
from app.settings import Settings, named, unknown

_EPILOG = """\b
Settings come from the environment: PARLEY_BROKER (kafka://host:port), PARLEY_REDIS,
PARLEY_HISTORY, PARLEY_DATA, PARLEY_SECRET and more, one for each field of
app/settings.py. For a variable that is not set, the `parley up` that runs on the data
folder has the value."""

#: What a process beside `parley up` has for itself.
_OWN = {
    "worker": frozenset({"worker", "health_port", "prometheus_port"}),
    "edge": frozenset({"host", "port", "prometheus_port"}),
    "verify": frozenset({"prometheus_port"}),
}


#: The operator's commands, in the order of `--help`. A command's module is imported when the
#: command is used.
_OPERATIONS = {
    "agents": "agents_command",
    "backup": "backup_command",
    "restore": "restore_command",
    "move": "move_command",
    "dead": "dead_command",
    "forget": "forget",
    "lag": "lag_command",
    "mirror": "mirror_command",
    "regions": "regions_command",
    "rebuild": "rebuild",
    "revoke": "revoke_command",
    "rules": "rules_command",
    "subscriptions": "subscriptions_command",
    "trace": "trace_command",
    "verify": "verify",
}
_MODULES = {"replay": "import_logs", **_OPERATIONS}


class _Failure(click.ClickException):
    def show(self, file: IO[Any] | None = None) -> None:
        """One line for people, no traceback."""
        click.echo(f"parley: {self.message}", err=True, file=file)


class _Refused(click.ClickException):
    """Settings that can't be used: a line for each, and the exit code of a wrong option."""

    exit_code = 2

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(f"parley: {fault}" for fault in faults))

    def show(self, file: IO[Any] | None = None) -> None:
        """The lines alone."""
        click.echo(self.message, err=True, file=file)


class _Parley(click.Group):
    """Commands whose `ParleyError` ends as one message, and exit code 1; for a setting it is 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order in which people need them."""
        first = ["up", "worker", "edge", "token", "hook-secret", "push-key", "replay", "doctor"]
        return [*first, *_OPERATIONS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """A command by name; an operator's command is imported when it is used."""
        if module := _MODULES.get(name):
            found: click.Command = import_module(f"app.operations.{module}").command
            return found
        return super().get_command(ctx, name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except SettingError as error:
            raise _Refused([str(error)]) from error
        except ParleyError as error:
            raise _Failure(str(error)) from error
        except Exception as error:
            # Not imported for it: most commands need no Kafka.
            kafka = sys.modules.get("aiokafka.errors")
            operates = ctx.invoked_subcommand in _MODULES
            if kafka is None or not operates or not isinstance(error, kafka.KafkaError):
                raise
            broker = Settings.read().broker
            raise _Failure(f"Kafka at {broker} does not answer: {error}") from error


@click.group(cls=_Parley, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(package_name="parley")
@click.pass_context
def parley(context: click.Context) -> None:
    """A chat back end: Faust agents over Kafka, and an edge for web pages."""
    from app.local.data_folder import join

    # Files 0600 and folders 0700, of this process and of all that it starts.
    os.umask(0o077)
    if faults := [*map(_told, unknown().items()), *map(str, Settings.faults())]:
        raise _Refused(faults)
    command = context.invoked_subcommand or ""
    if command != "up":
        join(Settings.read().data, but=_OWN.get(command, frozenset()))


def _told(found: tuple[str, str]) -> str:
    variable, nearest = found
    hint = f"; did you mean {nearest}?" if nearest else ""
    return f"{variable} is no setting{hint}"


@parley.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the chat page (8080).")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Data folder.")
@click.option("--fresh", is_flag=True, help="Start over: delete what the data folder holds.")
@click.option("--edges", type=click.IntRange(1, 256), default=1, help="Edges on that port (1).")
@click.option(
    "--restore",
    "backup",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Begin with the backup in this folder.",
)
@click.option("--verify", is_flag=True, help="Run `parley verify --follow` beside it.")
@click.option("--regions", help="Run a deployment of these regions, by comma: eu,us.")
def up(
    port: int | None,
    data: Path | None,
    fresh: bool,
    edges: int,
    backup: Path | None,
    verify: bool,
    regions: str | None,
) -> None:
    """Run everything on this machine until Ctrl-C: Kafka, Valkey, a worker, an edge.

    Everything is kept between runs in the folder data/ of the current folder, or in the one
    that --data or PARLEY_DATA names: Kafka's and Valkey's data, the worker's tables, the
    history, the secret that signs tokens, and under logs/ what worker and edge have to say.
    Apache Kafka itself is fetched by Maven at the first start and kept apart from it.

    Where PARLEY_BROKER or PARLEY_REDIS is set, that broker or server is used and none started.

    With --regions each region is a whole deployment on this machine, kept in step with the
    others, which can be killed and started again by itself.
    """
    from app.local import regions_up
    from app.local.up import run

    settings, given = Settings.read(), named()
    if port:
        settings, given = replace(settings, port=port), given | {"port"}
    if data:
        settings = replace(settings, data=data)
    if regions:
        if backup or verify or edges > 1 or {"broker", "redis", "region", "regions"} & given:
            raise click.UsageError(
                "--regions starts all parts: it goes with none of --restore, --verify,"
                " --edges, PARLEY_BROKER, PARLEY_REDIS, PARLEY_REGION and PARLEY_REGIONS"
            )
        regions_up.run(settings, [name.strip() for name in regions.split(",")], fresh=fresh)
        return
    run(settings, given, fresh=fresh, edges=edges, backup=backup, verify=verify)


@parley.command(epilog=_EPILOG)
def worker() -> None:
    """Run one worker: the agents that moderate, number, deliver and archive.

    Start as many as there are partitions to share. Each needs a name of its own that stays the
    same over its restarts: PARLEY_WORKER, by default the name of the host.
    """
    from app.worker.main import run

    run(Settings.read())


@parley.command(epilog=_EPILOG)
@click.option("--port", type=click.IntRange(1, 65535), help="Port (PARLEY_PORT, 8080).")
@click.option("--edges", type=click.IntRange(1, 256), default=1, help="Processes on that port (1).")
def edge(port: int | None, edges: int) -> None:
    """Run one edge: HTTP in, Server-Sent Events and long-poll out.

    Any number of them serve the same rooms; a client resumes at any. An edge uses one core: with
    --edges there are several on this machine, on one port.
    """
    settings = Settings.read()
    settings = replace(settings, port=port or settings.port)
    if edges > 1:
        from app.local.edge_processes import run as run_edges

        run_edges(settings, edges)
    else:
        # By its name: `app` imports nothing of `web`.
        import_module("web.edge").run(settings)


@parley.command(epilog=_EPILOG)
@click.argument("user")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), default=30, show_default=True)
@click.option("--admin", is_flag=True, help="Moderates every room, and sets the rules.")
def token(user: str, days: float, admin: bool) -> None:
    """Print a development token that says its bearer is USER."""
    from app.domain.names import user as wrong_with
    from app.runtime.dev_tokens import mint

    if (wrong := wrong_with(user)) is not None:
        raise ParleyError(wrong)
    settings = Settings.read()
    if not settings.secret:
        raise ParleyError(
            "no secret to sign with: set PARLEY_SECRET, or run `parley up` once, which makes one"
        )
    click.echo(mint(settings, user, life=days * 24 * 60 * 60, admin=admin))


@parley.command(name="hook-secret", epilog=_EPILOG)
@click.argument("kind", type=click.Choice(["upload", "moderation", "push"]))
@click.argument("url", required=False)
def hook_secret(kind: str, url: str | None) -> None:
    """Print the secret with which the service at URL verifies that Parley sent a request.

    Each hook has one of its own, by its kind and its URL as Parley is given it. For the upload hook
    the URL is that of PARLEY_UPLOAD_HOOK, and for the push gateway that of PARLEY_PUSH_GATEWAY,
    unless another is given.
    """
    from app.runtime.webhook_signature import PUSH, UPLOAD
    from app.runtime.webhook_signature import hook_secret as secret_of

    settings = Settings.read()
    place = url or {UPLOAD: settings.upload_hook, PUSH: settings.push_gateway}.get(kind, "")
    if not place:
        raise click.UsageError("give the URL of the hook")
    if not settings.secret:
        raise ParleyError("no secret to derive it from: set PARLEY_SECRET")
    click.echo(secret_of(settings.secret, kind, place))


@parley.command(name="push-key", epilog=_EPILOG)
def push_key() -> None:
    """Print a new private key for PARLEY_PUSH_KEY, by which push services know this deployment.

    Make it once and keep it: browsers subscribe to its public half, and with another key all of
    them would have to subscribe anew. `parley up` makes one in its data folder.
    """
    from app.push.web_push import new_private_key

    click.echo(new_private_key())


@parley.command(epilog=_EPILOG)
def doctor() -> None:
    """Say what is missing or unreachable, and what to do about it.

    Ends with exit code 1 where something is missing that Parley can't do without.
    """
    from app.operations.doctor import run

    if not run(Settings.read(), named()):
        raise SystemExit(1)


def main() -> None:
    """Entry point of the command."""
    parley(prog_name="parley")


if __name__ == "__main__":
    main()
