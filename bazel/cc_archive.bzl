"""One archive of a cc_library and all that it depends on, to be linked by hand.

Beside lib<name>.a there is lib<name>.flags: what the linker needs after it.
"""

def _cc_archive_impl(ctx):
    archives = []
    flags = []
    context = ctx.attr.library[CcInfo].linking_context
    for linked in context.linker_inputs.to_list():
        flags += [f for f in linked.user_link_flags if f not in flags]
        for library in linked.libraries:
            archives.append(library.pic_static_library or
                            library.static_library)
    archive = ctx.actions.declare_file("lib%s.a" % ctx.label.name)
    flags_file = ctx.actions.declare_file("lib%s.flags" % ctx.label.name)
    script = ctx.actions.declare_file("lib%s.mri" % ctx.label.name)
    ctx.actions.write(flags_file, " ".join(flags) + "\n")
    ctx.actions.write(script, "\n".join(
        ["CREATE " + archive.path] +
        ["ADDLIB " + a.path for a in archives] + ["SAVE", "END", ""],
    ))
    ctx.actions.run_shell(
        inputs = archives + [script],
        outputs = [archive],
        command = "ar -M < " + script.path,
        mnemonic = "CcArchive",
    )
    files = [archive, flags_file]
    return [DefaultInfo(
        files = depset(files),
        runfiles = ctx.runfiles(files = files),
    )]

cc_archive = rule(
    implementation = _cc_archive_impl,
    attrs = {"library": attr.label(providers = [CcInfo], mandatory = True)},
    doc = "For programs that are built without Bazel (deploy/install.sh).",
)
