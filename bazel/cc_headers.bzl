"""The headers of a cc_library and of all that it depends on, as files."""

def _cc_headers_impl(ctx):
    headers = ctx.attr.library[CcInfo].compilation_context.headers
    return [DefaultInfo(
        files = headers,
        runfiles = ctx.runfiles(transitive_files = headers),
    )]

cc_headers = rule(
    implementation = _cc_headers_impl,
    attrs = {"library": attr.label(providers = [CcInfo], mandatory = True)},
    doc = "For tests that run a compiler themselves.",
)
