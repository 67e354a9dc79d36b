"""Apps and their installations: `install`, `uninstall`, `register`, `apps` and `apps show`."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadstead.cli.declared import Argument, Option
from roadstead.cli.lifecycle_calls import as_data, notification, prospect, remarks
from roadstead.cli.options import (
    DEFAULT_WORKSPACE,
    AllowTarget,
    AnyWorkspace,
    AsJson,
    Data,
    DatabaseUrl,
    ShowSecret,
    read_settings,
)
from roadstead.cli.output import print_facts, print_json, print_list, print_table, tell
from roadstead.cli.state import mention_absent_host, on_host
from roadstead.cli.tables import Row, Url
from roadstead.errors import AppNotInstalled, InstallationFailed, OutgoingCallFailed

if TYPE_CHECKING:
    from roadstead.connect import Descriptor
    from roadstead.domain.host import Host
    from roadstead.model import Installation, LifecycleCall, Linker, Offer, Registration

AppKey = Annotated[str, Argument(metavar="APP_KEY", help="The key in the app's descriptor.")]
DescriptorUrl = Annotated[str, Argument(metavar="DESCRIPTOR_URL", help="Where the app serves its descriptor.")]

_STEPS = {
    "fetch": "Fetching the descriptor …",
    "validate": "The descriptor is valid.",
    "installed": "Posting the installed call to the app …",
}


def install(
    descriptor_url: DescriptorUrl,
    workspace: Annotated[
        str, Option("--workspace", metavar="SLUG", help="The workspace to install it in; created when missing.")
    ] = DEFAULT_WORKSPACE,
    yes: Annotated[bool, Option("--yes", help="Install without asking, as without a terminal.")] = False,
    unsigned: Annotated[
        bool,
        Option("--unsigned", help="Do not sign the call, for an app that has lost its secret."),
    ] = False,
    show_secret: ShowSecret = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    allow_target: AllowTarget = None,
    as_json: AsJson = False,
) -> None:
    """Install an app, or install it again.

    Works with the host running or not.
    """
    from roadstead.domain.upkeep.audit import secret_will_be_shown

    settings = read_settings(data=data, database_url=database_url, allow_target=allow_target)
    asked = not yes and sys.stdin.isatty()

    async def install_and_log(host: "Host") -> "Installation":
        made = await _install(host, descriptor_url, workspace, asked=asked, signed=not unsigned)
        if show_secret:
            await secret_will_be_shown(host, f"{made.workspace.slug}/{made.app_key}")
        return made

    installation = on_host(settings, install_and_log)
    facts = _credentials(installation, show_secret=show_secret)
    if as_json:
        print_json(facts)
        return
    print_facts(list(facts.items()))
    tell(f"Installed. Show it with: roadstead apps show {installation.app_key}")


async def _install(host: "Host", descriptor_url: str, workspace: str, *, asked: bool, signed: bool) -> "Installation":
    from roadstead.domain.apps import installations

    installations.check_workspace_slug(workspace)
    mention_absent_host(host.settings, host.base_url)
    tell(_STEPS["fetch"])
    descriptor = await _fetch(host, descriptor_url)
    tell(_STEPS["validate"])
    _tell_what_is_asked(descriptor, workspace)
    if asked and not typer.confirm("Install it?", err=True):
        tell("Nothing was changed.")
        raise typer.Exit(1)
    try:
        return await installations.install_descriptor(
            host, descriptor, descriptor_url, workspace, signed=signed, progress=lambda step: tell(_STEPS[step])
        )
    except InstallationFailed:
        await _mention_silent_host(host.base_url)
        raise


async def _fetch(host: "Host", descriptor_url: str) -> "Descriptor":
    """Fetch and check a descriptor. Raises `InstallationFailed`, which names the command that lists each problem."""
    from roadstead.domain.apps import installations

    try:
        return await installations.fetch(host, descriptor_url)
    except InstallationFailed as exc:
        if exc.step != "validate":
            raise
        more = f"List each problem with its line: roadstead check {descriptor_url}"
        raise InstallationFailed(exc.message, f"{exc.detail}\n{more}", step=exc.step) from exc


async def _mention_silent_host(base_url: str) -> None:
    """Warn when no host serves the API: many apps call it from inside the handshake, which then fails."""
    from roadstead.domain.upkeep.reach import is_roadstead

    try:
        await is_roadstead(base_url)
    except OutgoingCallFailed:
        tell(f"No host answers at {base_url}. Apps that call the API when installed need one: roadstead serve")


def _tell_what_is_asked(descriptor: "Descriptor", workspace: str) -> None:
    from roadstead.connect.scopes import DESCRIPTIONS, canonical_scope

    vendor = f" by {descriptor.vendor.name}" if descriptor.vendor else ""
    tell(f"\n{descriptor.name}{vendor} ({descriptor.key}), into the workspace {workspace}. It may:")
    if descriptor.scopes is None:
        tell("  do everything, because its descriptor names no scopes")
    elif not descriptor.scopes:
        tell("  manage its own linkers, and nothing else")
    for scope in descriptor.scopes or ():
        tell(f"  {DESCRIPTIONS[canonical_scope(scope)]} ({scope})")
    tell()


def _credentials(installation: "Installation", *, show_secret: bool) -> dict[str, str]:
    secret = {"shared_secret": installation.shared_secret} if show_secret else {}
    return {
        "key": installation.app_key,
        "client_key": installation.client_key,
        **secret,
        "workspace": installation.workspace.slug,
        "descriptor_url": installation.descriptor_url,
    }


def uninstall(
    app_key: AppKey,
    workspace: AnyWorkspace = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    allow_target: AllowTarget = None,
    as_json: AsJson = False,
) -> None:
    """Uninstall an app and notify it."""
    settings = read_settings(data=data, database_url=database_url, allow_target=allow_target)
    slug, withdrawn, farewell = on_host(settings, lambda host: _uninstall(host, app_key, workspace))
    if as_json:
        told = as_data(farewell) if farewell else None
        print_json({"key": app_key, "workspace": slug, "lifecycle_call": told})
    elif withdrawn:
        print(f"The installation that {app_key} was offered in the workspace {slug} is withdrawn.")
    else:
        print(f"{app_key} is uninstalled from the workspace {slug}.")
        _print_farewell(farewell)


def _print_farewell(call: "LifecycleCall | None") -> None:
    if call is None:
        print("Its descriptor names no uninstalled address, so it was not notified.")
        return
    print(notification(call))
    if prospect(call):
        print(f"{prospect(call)} See: roadstead queue")


async def _uninstall(host: "Host", app_key: str, workspace: str | None) -> "tuple[str, bool, LifecycleCall | None]":
    """Uninstall an app, or withdraw its offer.

    Return the workspace, whether it was an offer, and the call that notifies the app.
    """
    from roadstead.domain.apps import handshakes, installations

    try:
        installation = await installations.get_app(host, app_key, workspace)
    except AppNotInstalled:
        offer = await handshakes.withdraw(host, app_key, workspace)
        if offer is None:
            raise
        return offer.workspace.slug, True, None
    return installation.workspace.slug, False, await installations.uninstall_and_tell(host, installation.id)


def list_apps(
    context: typer.Context,
    workspace: Annotated[str | None, Option("--workspace", metavar="SLUG", help="Only this workspace.")] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List the installed apps, or show one."""
    if context.invoked_subcommand is not None:
        given = {"workspace": workspace, "data": data, "database_url": database_url, "as_json": as_json}
        context.default_map = {context.invoked_subcommand: given}
        return
    settings = read_settings(data=data, database_url=database_url)
    found, without_secret, offers = on_host(settings, lambda host: _list(host, workspace))
    headings = ("KEY", "WORKSPACE", "INSTALLED", "DESCRIPTOR")
    nothing = "Nothing is installed. Install an app with: roadstead install DESCRIPTOR_URL"
    print_list(found, headings, _row, _installation_as_data, nothing, as_json=as_json)
    for installation in without_secret:
        again = f"roadstead install {installation.descriptor_url} --workspace {installation.workspace.slug}"
        tell(f"{installation.app_key} was imported without its secret. Install it again: {again}")
    for offer in offers:
        tell(
            f"{offer.app_key} was offered an installation in the workspace {offer.workspace.slug}, and gave no answer. "
            "The first request that it signs with its new secret completes the installation. "
            f"Withdraw the offer with: roadstead uninstall {offer.app_key} --workspace {offer.workspace.slug}"
        )


async def _list(host: "Host", workspace: str | None) -> "tuple[list[Installation], list[Installation], list[Offer]]":
    """Return the installations, those among them that cannot call, and the offers to apps that are not installed."""
    from roadstead.domain.apps import handshakes, installations
    from roadstead.domain.upkeep import transfer

    found = await installations.list_apps(host, workspace=workspace)
    installed = {installation.client_key for installation in found}
    offers = {
        offer.client_key: offer
        for offer in await handshakes.list_offers(host)
        if offer.client_key not in installed and workspace in (None, offer.workspace.slug)
    }
    return found, await transfer.apps_without_secret(host, found), list(offers.values())


def _row(installation: "Installation") -> Row:
    descriptor_url = Url(installation.descriptor_url)
    return Row((installation.app_key, installation.workspace.slug, installation.installed_on, descriptor_url))


def show(
    app_key: AppKey,
    workspace: AnyWorkspace = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show an app with its linkers and lifecycle calls."""
    settings = read_settings(data=data, database_url=database_url)
    installation, linkers, calls = on_host(settings, lambda host: _look_at(host, app_key, workspace))
    if as_json:
        print_json(
            {
                **_installation_as_data(installation),
                "linkers": [_linker_as_data(linker) for linker in linkers],
                "lifecycle_calls": [as_data(call) for call in calls],
            }
        )
        return
    facts = _installation_as_data(installation)
    shown = {
        **facts,
        "vendor": facts["vendor"] or "not named",
        "scopes": "all" if facts["scopes"] is None else ", ".join(facts["scopes"]),
        "installed_on": installation.installed_on,
        "updated_on": installation.updated_on,
    }
    print_facts([(name.replace("_", " "), value) for name, value in shown.items()])
    _print_linkers(linkers)
    _print_calls(calls)


async def _look_at(
    host: "Host", app_key: str, workspace: str | None
) -> "tuple[Installation, list[Linker], list[LifecycleCall]]":
    from roadstead.domain.apps import installations, lifecycle
    from roadstead.domain.linking import linkers

    installation = await installations.get_app(host, app_key, workspace)
    declared = await linkers.list_linkers(host, installation.id)
    return installation, declared, await lifecycle.list_calls(host, installation)


def _print_linkers(linkers: "list[Linker]") -> None:
    if linkers:
        print()
        rows = [Row((linker.key, linker.value_count, linker.regex, Url(linker.url))) for linker in linkers]
        print_table(("LINKER", "VALUES", "REGEX", "URL"), rows)


def _print_calls(calls: "list[LifecycleCall]") -> None:
    if calls:
        print()
        rows = [Row((call.created_on, call.event, Url(call.url), call.status), remarks(call)) for call in calls]
        print_table(("TIME", "EVENT", "URL", "STATUS"), rows)


def register(
    app_key: AppKey,
    descriptor_url: DescriptorUrl,
    show_secret: ShowSecret = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Bind an app key to a descriptor URL.

    Installations and updates of the app must then use this URL.
    """
    from roadstead.domain.apps import installations
    from roadstead.domain.upkeep.audit import secret_will_be_shown

    settings = read_settings(data=data, database_url=database_url)

    async def register_and_log(host: "Host") -> "Registration":
        made = await installations.register(host, app_key, descriptor_url)
        if show_secret:
            await secret_will_be_shown(host, app_key)
        return made

    registration = on_host(settings, register_and_log)
    secret = {"shared_secret": registration.shared_secret} if show_secret else {}
    facts = {"key": registration.app_key, **secret, "descriptor_url": registration.descriptor_url}
    if as_json:
        print_json(facts)
        return
    print_facts(list(facts.items()))
    tell(f"Registered. Install it with: roadstead install {descriptor_url}")


# Shapes


def _installation_as_data(installation: "Installation") -> dict[str, Any]:
    from roadstead.domain.apps.descriptors import stored_descriptor

    descriptor = stored_descriptor(installation.descriptor)
    return {
        "key": installation.app_key,
        "name": descriptor.name,
        "vendor": descriptor.vendor.name if descriptor.vendor else None,
        "workspace": installation.workspace.slug,
        "client_key": installation.client_key,
        "descriptor_url": installation.descriptor_url,
        "base_url": descriptor.base_url,
        "scopes": None if descriptor.scopes is None else list(descriptor.scopes),
        "installed_on": installation.installed_on.isoformat(),
        "updated_on": installation.updated_on.isoformat(),
    }


def _linker_as_data(linker: "Linker") -> dict[str, Any]:
    return {"key": linker.key, "regex": linker.regex, "url": linker.url, "value_count": linker.value_count}
