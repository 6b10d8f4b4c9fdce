"""Tests of the tools: Python without Python rules, which Bazel would fetch."""

def python_test(name, tool, data = []):
    """Runs the unittest cases of `name`.py, which loads the script `tool`."""
    native.sh_test(
        name = name,
        srcs = ["unittests.sh"],
        args = ["tools/%s.py" % name],
        data = [name + ".py", tool, "unittests.py"] + data,
        size = "small",
    )
