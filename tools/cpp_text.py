"""What tools/layers and tools/tidy both need: the files of the tree, and C++
with its comments, strings and directives blanked out (lines stay lines)."""

import os
import re

_TOKEN = re.compile(
    r'//(?:\\\n|[^\n])*'
    r'|/\*.*?\*/'
    r'|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.S)
_DIRECTIVE = re.compile(r'^[ \t]*#(?:\\\n|[^\n])*', re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def find_files(root, suffixes=(".h", ".cc")):
    """Paths below `root`, sorted; nothing hidden, nothing of Bazel's."""
    found = []
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names
                          if not n.startswith((".", "bazel-")))
        for name in files:
            if name.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as text:
        return text.read()


def _blank(match):
    text = match.group(0)
    if text[0] in "\"'R":
        # A literal stays an expression.
        body = re.sub(r"[^\n]", " ", text)
        return '"' + body[1:-1] + '"' if len(body) > 1 else body
    return re.sub(r"[^\n]", " ", text)


def blank_comments(text):
    return _TOKEN.sub(_blank, text)


def code_only(text):
    """Same length, same lines: comments, literals, directives are blanks."""
    return _DIRECTIVE.sub(_blank, blank_comments(text))


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def closing(code, start):
    """The offset of the bracket that closes the one at `start`."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    opening, end = code[start], pairs[code[start]]
    depth = 0
    for match in re.finditer("[" + re.escape(opening + end) + "]",
                             code[start:]):
        depth += 1 if match.group(0) == opening else -1
        if depth == 0:
            return start + match.start()
    return len(code) - 1


def includes(text):
    """(line, path, quoted?) of each include."""
    # Comments are blanked, literals are not: the path is one.
    plain = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                   text, flags=re.S)
    return [(line_of(plain, m.start()), m.group(2), m.group(1) == '"')
            for m in INCLUDE.finditer(plain)]


def is_test(path):
    """Code that never ships: tests, benchmarks, fakes, fuzz targets."""
    name = os.path.basename(path)
    return (path.startswith("tests/") or name.startswith("fake_")
            or re.search(r"_(test|bench|fuzz)\.(h|cc)$", name) is not None)
