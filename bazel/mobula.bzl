"""The one way in which this tree declares libraries, tests and programs."""

def _header_check(name, header, testonly):
    """A source that includes `header` and nothing else.

    It is compiled in the header's own target: so the header must be complete
    in itself, and under the clang config (layering_check) may include only
    what its target names in deps. Bazel compiles no headers by themselves.
    """
    source = name + "_header_check.cc"
    native.genrule(
        name = name + "_header_check",
        outs = [source],
        cmd = "echo '#include \"%s/%s\"' > $@" %
              (native.package_name(), header),
        testonly = testonly,
        visibility = ["//visibility:private"],
    )
    return source

def mobula_library(
        name,
        srcs = None,
        deps = [],
        visibility = ["//visibility:private"],
        testonly = False,
        **kwargs):
    """One header, one target, private by default, the header compiled alone.

    Args:
      name: the header's name without .h.
      srcs: its sources; `name`.cc, where there is one, unless given.
      deps: what the header and the sources include.
      visibility: who may depend on it.
      testonly: whether only tests may (fakes).
      **kwargs: handed to cc_library.
    """
    if srcs == None:
        srcs = native.glob([name + ".cc"], allow_empty = True)
    native.cc_library(
        name = name,
        hdrs = [name + ".h"],
        srcs = srcs + [_header_check(name, name + ".h", testonly)],
        deps = deps,
        visibility = visibility,
        testonly = testonly,
        **kwargs
    )

def mobula_test(name, srcs = None, deps = [], size = "small", **kwargs):
    """A GoogleTest program; `name`.cc unless srcs says otherwise.

    Tags that mean something to deploy/test.sh: "long" (run with --long only),
    "exclusive" (Bazel runs nothing beside it: for what measures), "no-asan"
    and "no-tsan" (cannot run under that sanitizer; say why beside it).
    """

    # The timeout of a large one is called "long" too, and Bazel's filter of tags
    # takes that for the tag: it would never run by default.
    if size == "large":
        kwargs.setdefault("timeout", "eternal")
    native.cc_test(
        name = name,
        srcs = srcs if srcs != None else [name + ".cc"],
        deps = deps + ["//bazel:gtest_main"],
        size = size,
        **kwargs
    )

def mobula_binary(name, srcs = None, deps = [], **kwargs):
    """A program; `name`.cc unless srcs says otherwise."""
    native.cc_binary(
        name = name,
        srcs = srcs if srcs != None else [name + ".cc"],
        deps = deps,
        **kwargs
    )

def mobula_fuzz(name, deps = [], size = "small", **kwargs):
    """A fuzz target: `name`.cc defines LLVMFuzzerTestOneInput.

    Declares two programs of it: the test `name`, which feeds it the same
    seeded inputs in every config and every run, and `name`_libfuzzer, which
    searches (tag "fuzz": deploy/test.sh --long runs it for a while, in
    --config=fuzz, the only config in which it builds).
    """
    native.cc_test(
        name = name,
        srcs = [name + ".cc"],
        deps = deps + ["//tests/fuzz:seeded_main"],
        size = size,
        **kwargs
    )
    native.cc_binary(
        name = name + "_libfuzzer",
        testonly = True,
        srcs = [name + ".cc"],
        linkopts = ["-fsanitize=fuzzer"],
        deps = deps,
        tags = ["fuzz", "manual"],
    )
