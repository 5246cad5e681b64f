"""The languages that ast-grep parses: which files are theirs, what their names look like.

The list is that of the ast-grep-py 0.51 wheel; asking it for any other language panics, so nothing else is ever asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from tinycode_git.errors import UsageError

_WORD = re.compile(r"[^\W\d]\w*\Z")


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    ``name`` is ast-grep's. ``family`` groups those that see one another's names. ``names`` is what an identifier
    looks like, ``keywords`` what none may be. ``code`` is false for markup and data, which hold text, not identifiers.
    """

    name: str
    suffixes: tuple[str, ...]
    family: str = ""
    names: re.Pattern[str] = _WORD
    keywords: frozenset[str] = frozenset()
    code: bool = True
    aliases: tuple[str, ...] = ()
    filenames: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def takes(self, word: str) -> bool:
        """Whether ``word`` can be an identifier."""
        return bool(self.names.match(word)) and word not in self.keywords


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_C = _words(
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while"
)
_CPP = _C - {"restrict"} | _words(
    "alignas alignof and asm bool catch class co_await co_return co_yield concept consteval constexpr constinit "
    "decltype delete dynamic_cast explicit export false friend mutable namespace new noexcept not nullptr operator "
    "or private protected public reinterpret_cast requires static_assert static_cast template this thread_local "
    "throw true try typeid typename using virtual wchar_t xor"
)
_JS = _words(
    "await break case catch class const continue debugger default delete do else enum export extends false finally "
    "for function if import in instanceof let new null return static super switch this throw true try typeof var "
    "void while with yield"
)
_JAVA = _words(
    "abstract assert boolean break byte case catch char class const continue default do double else enum extends false "
    "final finally float for goto if implements import instanceof int interface long native new null package private "
    "protected public return short static strictfp super switch synchronized this throw throws transient true try void "
    "volatile while _"
)
_CSHARP = _words(
    "abstract as base bool break byte case catch char checked class const continue decimal default delegate do "
    "double else enum event explicit extern false finally fixed float for foreach goto if implicit in int interface "
    "internal is lock long namespace new null object operator out override params private protected public readonly "
    "ref return sbyte sealed short sizeof stackalloc static string struct switch this throw true try typeof uint "
    "ulong unchecked unsafe ushort using virtual void volatile while"
)
_GO = _words(
    "break case chan const continue default defer else fallthrough for func go goto if import interface map package "
    "range return select struct switch type var"
)
_RUST = _words(
    "Self abstract as async await become box break const continue crate do dyn else enum extern false final fn for "
    "gen if impl in let loop macro match mod move mut override priv pub ref return self static struct super trait "
    "true try type typeof unsafe unsized use virtual where while yield _"
)
_RUBY = _words(
    "BEGIN END alias and begin break case class def defined? do else elsif end ensure false for if in module next "
    "nil not or redo rescue retry return self super then true undef unless until when while yield"
)
_PHP = _words(
    "abstract and array as break callable case catch class clone const continue declare default do echo else elseif "
    "empty enddeclare endfor endforeach endif endswitch endwhile eval exit extends final finally fn for foreach "
    "function global goto if implements include include_once instanceof insteadof interface isset list match "
    "namespace new or print private protected public readonly require require_once return static switch throw trait "
    "try unset use var while xor yield"
)
_KOTLIN = _words(
    "as break class continue do else false for fun if in interface is null object package return super this throw true "
    "try typealias typeof val var when while"
)
_SCALA = _words(
    "abstract case catch class def do else enum export extends false final finally for given if implicit import lazy "
    "match new null object override package private protected return sealed super then this throw trait true try type "
    "val var while with yield _"
)
_SWIFT = _words(
    "Any Self as associatedtype break case catch class continue default defer deinit do else enum extension "
    "fallthrough false fileprivate for func guard if import in init inout internal is let nil operator private "
    "protocol public repeat rethrows return self static struct subscript super switch throw throws true try "
    "typealias var where while _"
)
_DART = _words(
    "assert await break case catch class const continue default do else enum extends false final finally for if in "
    "is new null rethrow return super switch this throw true try var void while with yield"
)
_LUA = _words(
    "and break do else elseif end false for function goto if in local nil not or repeat return then true until while"
)
_SHELL = _words("case do done elif else esac fi for function if in select then time until while")
_HASKELL = _words(
    "case class data default deriving do else foreign if import in infix infixl infixr instance let module newtype of "
    "then type where _"
)
_ELIXIR = _words("after and catch do else end false fn in nil not or rescue true when")
_NIX = _words("assert else if in inherit let or rec then with")
_SOLIDITY = _words(
    "abstract address anonymous as assembly bool break bytes calldata catch constant constructor continue contract "
    "delete do else emit enum event external fallback false for function if immutable import indexed int interface "
    "internal is library mapping memory modifier new override payable pragma private public pure receive return "
    "returns storage string struct throw true try type uint unchecked using view virtual while"
)
_ZIG = _words(
    "addrspace align allowzero and anyframe anytype asm async await break callconv catch comptime const continue "
    "defer else enum errdefer error export extern fn for if inline linksection noalias noinline nosuspend opaque or "
    "orelse packed pub resume return struct suspend switch test threadlocal try union unreachable usingnamespace var "
    "volatile while"
)


def _python_keywords() -> frozenset[str]:
    from keyword import kwlist

    return frozenset(kwlist)


_JS_NAME = re.compile(r"#?(?:[^\W\d]|\$)[\w$]*\Z")
_SIGIL = re.compile(r"(?:@{1,2}|\$)?[^\W\d]\w*[?!]?\Z")
_QUERY = re.compile(r"[^\W\d]\w*[?!]?\Z")
_DASHES = re.compile(r"[^\W\d][\w-]*\Z")
_PRIME = re.compile(r"[^\W\d][\w']*\Z")

LANGUAGES = (
    Language(
        "python",
        (".py", ".pyi", ".pyw"),
        keywords=_python_keywords(),
        aliases=("py",),
        filenames=("SConstruct", "SConscript", "wscript"),
        programs=("python", "python2", "python3", "pypy", "pypy3"),
    ),
    Language(
        "bash",
        (".sh", ".bash", ".zsh", ".ksh", ".bats"),
        names=_DASHES,
        keywords=_SHELL,
        aliases=("sh", "shell"),
        filenames=(".bashrc", ".bash_profile", ".profile", ".zshrc", ".envrc", "PKGBUILD"),
        programs=("sh", "bash", "dash", "ksh", "zsh", "bats"),
    ),
    Language("c", (".c", ".h"), family="c", keywords=_C),
    Language(
        "cpp",
        (".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".ipp", ".cu", ".cuh", ".ino"),
        family="c",
        keywords=_CPP,
        aliases=("cc", "c++", "cxx"),
    ),
    Language("csharp", (".cs",), keywords=_CSHARP, aliases=("cs", "c#")),
    Language("css", (".css",), code=False),
    Language("dart", (".dart",), names=_JS_NAME, keywords=_DART),
    Language("elixir", (".ex", ".exs"), names=_QUERY, keywords=_ELIXIR, aliases=("ex",), programs=("elixir",)),
    Language("go", (".go",), keywords=_GO, aliases=("golang",)),
    Language("haskell", (".hs",), names=_PRIME, keywords=_HASKELL, aliases=("hs",), programs=("runhaskell",)),
    Language("hcl", (".hcl", ".tf", ".tfvars", ".nomad"), names=_DASHES, aliases=("terraform",)),
    Language("html", (".html", ".htm", ".xhtml"), code=False),
    Language("java", (".java",), family="jvm", names=_JS_NAME, keywords=_JAVA),
    Language(
        "javascript",
        (".js", ".mjs", ".cjs", ".jsx"),
        family="js",
        names=_JS_NAME,
        keywords=_JS,
        aliases=("js", "jsx"),
        programs=("node", "nodejs", "bun"),
    ),
    Language("json", (".json",), code=False),
    Language("kotlin", (".kt", ".kts", ".ktm"), family="jvm", keywords=_KOTLIN, aliases=("kt",)),
    Language("lua", (".lua",), keywords=_LUA, programs=("lua", "luajit")),
    Language("markdown", (".md", ".markdown"), code=False, aliases=("md",)),
    Language("nix", (".nix",), names=_DASHES, keywords=_NIX),
    Language("php", (".php", ".phtml"), keywords=_PHP, programs=("php",)),
    Language(
        "ruby",
        (".rb", ".rake", ".gemspec", ".ru", ".rbw"),
        names=_SIGIL,
        keywords=_RUBY,
        aliases=("rb",),
        filenames=("Rakefile", "Gemfile", "Guardfile", "Capfile", "Vagrantfile", "Podfile", "Fastfile"),
        programs=("ruby", "rake"),
    ),
    Language("rust", (".rs",), keywords=_RUST, aliases=("rs",)),
    Language("scala", (".scala", ".sc", ".sbt"), family="jvm", keywords=_SCALA),
    Language("solidity", (".sol",), names=_JS_NAME, keywords=_SOLIDITY, aliases=("sol",)),
    Language("swift", (".swift",), keywords=_SWIFT, programs=("swift",)),
    Language("tsx", (".tsx",), family="js", names=_JS_NAME, keywords=_JS),
    Language(
        "typescript",
        (".ts", ".mts", ".cts"),
        family="js",
        names=_JS_NAME,
        keywords=_JS,
        aliases=("ts",),
        programs=("deno",),
    ),
    Language("yaml", (".yaml", ".yml"), code=False, aliases=("yml",)),
    Language("zig", (".zig",), keywords=_ZIG),
)

BY_NAME = {language.name: language for language in LANGUAGES}
ALIASES = {alias: language for language in LANGUAGES for alias in (language.name, *language.aliases)}
_SUFFIX = {suffix: language for language in LANGUAGES for suffix in language.suffixes}
_FILENAME = {name: language for language in LANGUAGES for name in language.filenames}
_PROGRAM = {program: language for language in LANGUAGES for program in language.programs}

_SHEBANG = re.compile(rb"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+|\w+=\S*\s+)*(?:\S*/)?)?([A-Za-z+]+[0-9]?)")


def language_of(path: str, content: bytes = b"") -> Language | None:
    """By name, by suffix (any case), else by the ``#!`` line of a file without a suffix. None: not one of them."""
    name = path.rsplit("/", 1)[-1]
    if name in _FILENAME:
        return _FILENAME[name]
    stem, dot, suffix = name.rpartition(".")
    if stem and dot:
        return _SUFFIX.get("." + suffix.lower())
    shebang = _SHEBANG.match(content[:200])
    return _PROGRAM.get(shebang[1].decode()) if shebang else None


def find_language(recipe: str, given: str) -> Language | None:
    """The language of ``--lang``; None where none was given. Raises UsageError naming the nearest."""
    if not given:
        return None
    found = ALIASES.get(given.lower())
    if found is None:
        near = get_close_matches(given.lower(), ALIASES, 3, 0.5) or sorted(BY_NAME)
        raise UsageError(f"recipe {recipe}: there is no language {given}", f"did you mean {' or '.join(near[:30])}?")
    return found
