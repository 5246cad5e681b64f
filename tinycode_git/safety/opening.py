"""How a scan is opened: the user's settings, the project's policy as it stood before, what is trusted."""

from __future__ import annotations

from tinycode_git.errors import UsageError
from tinycode_git.git.process import Git
from tinycode_git.rows import NamedTuple
from tinycode_git.safety import objects
from tinycode_git.safety.policy import DEFAULT, FILE, TIERS, Allow, ProjectPolicy, stricter

FOREIGN = ".gitleaks.toml"
EXCEPTION_FILES = (FILE, FOREIGN)
# What the validator is told by a project: its policy, the baseline, another scanner's allowlist.
POLICY = (FILE, ".tiny/", FOREIGN)


ASK = ("config", "-z", "--get-regexp", r"^tiny\.(tier|prefix|mode)$")


class Settings(NamedTuple):
    """``git config tiny.*`` as far as the validator and the hooks go."""

    tier: str = DEFAULT
    prefix: str = "tiny"
    mode: str = ""


def settings(git: Git) -> Settings:
    """Read the user's and the clone's settings: one process. Raises UsageError for a tier that there is not."""
    return parse_settings(git.quiet(*ASK, ok=(0, 1)).out)


def parse_settings(out: bytes) -> Settings:
    """The settings, from what git answers to ASK. Raises UsageError for a tier that there is not."""
    found = Settings()
    for item in out.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = item.partition("\n")
        if key == "tiny.tier":
            found = found._replace(tier=known_tier(value))
        elif key == "tiny.prefix":
            found = found._replace(prefix=value)
        elif key == "tiny.mode":
            found = found._replace(mode=value)
    return found


def known_tier(name: str) -> str:
    """The tier called ``name``. Raises UsageError."""
    if name not in TIERS:
        raise UsageError(f"there is no tier '{name}'", f"one of: {', '.join(TIERS)}")
    return name


class Policy(NamedTuple):
    """What findings are judged by: the tier, and the exceptions that there are (they count once trusted)."""

    tier: str
    allows: tuple[Allow, ...] = ()
    project: ProjectPolicy = ProjectPolicy()
    foreign: str = ""
    notes: tuple[str, ...] = ()


def policy(source: Git | objects.Reader, base: str, tier: str) -> Policy:
    """The policy at ``base`` (a tree-ish, empty for none) for a user whose tier is ``tier``. Raises BrokenRule."""
    return policy_from(tier, _texts(source, base) if base else dict.fromkeys(EXCEPTION_FILES, ""))


def mended_policy(source: Git | objects.Reader, tier: str) -> Policy:
    """The policy as it is staged, its exceptions left out: for a change that mends files which cannot be read as they
    stand. Raises BrokenRule where it does not.
    """
    found = policy_from(tier, _texts(source, ""))
    return found._replace(allows=(), project=found.project._replace(allows=()))


def _texts(source: Git | objects.Reader, base: str) -> dict[str, str]:
    texts = dict.fromkeys(EXCEPTION_FILES, "")
    for loaded in objects.read(source, [f"{base}:{name}" for name in EXCEPTION_FILES]):
        if isinstance(loaded, objects.Loaded) and loaded.type == "blob" and loaded.content is not None:
            texts[loaded.name.partition(":")[2]] = loaded.content.decode("utf-8", "replace")
    return texts


def policy_from(tier: str, texts: dict[str, str]) -> Policy:
    """As ``policy``, from the texts of the files."""
    project = ProjectPolicy()
    if texts[FILE]:
        from tinycode_git.safety.policyfile import parse_policy

        project = parse_policy(texts[FILE], FILE)
    tier = stricter(tier, project.tier) if project.tier else tier
    return Policy(tier, project.allows, project, texts[FOREIGN])
