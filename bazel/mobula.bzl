"""The one way in which this tree declares libraries, tests and programs."""

def mobula_library(
        name,
        srcs = None,
        deps = [],
        visibility = ["//visibility:private"],
        **kwargs):
    """One header, one target, private by default, the header compiled alone.

    Args:
      name: the header's name without .h; `name`.cc is taken when srcs is None
        and such a file exists.
      srcs: further sources, where there is more than `name`.cc.
      deps: what the header and the sources include.
      visibility: who may depend on it.
      **kwargs: handed to cc_library.
    """
    header = name + ".h"
    check = name + "_header_check"
    native.genrule(
        name = check + "_gen",
        outs = [check + ".cc"],
        cmd = "echo '#include \"%s/%s\"' > $@" % (native.package_name(), header),
        visibility = ["//visibility:private"],
        testonly = kwargs.get("testonly", False),
    )
    if srcs == None:
        srcs = native.glob([name + ".cc"])
    native.cc_library(
        name = name,
        hdrs = [header],
        srcs = srcs + [check + ".cc"],
        deps = deps,
        visibility = visibility,
        **kwargs
    )

def mobula_test(name, srcs = None, deps = [], size = "small", **kwargs):
    """A GoogleTest program; `name`.cc unless srcs says otherwise."""
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
