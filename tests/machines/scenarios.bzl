"""The tests of a kind of machines: one for each group of scenarios."""

load("//bazel:mobula.bzl", "mobula_test")

GROUPS = ["work", "end", "cut", "loss", "door"]

# Not in the default run: a machine that comes back after it was declared dead is
# not given work, or gives none, within two minutes every now and then.
FAILING = ["end", "cut"]

DATA = [
    "//cli:mobula",
    "//examples/index",
    "//tests/machines:machine_init",
    "//tests/machines:voyager",
    "//tests/netns:switch",
]

def machine_scenarios(kind, tags = [], data = []):
    """Declares GROUP_test for each group, on machines of this kind.

    They measure leases and take both processors: nothing runs beside them.
    """
    for group in GROUPS:
        mobula_test(
            name = group + "_test",
            size = "large",
            srcs = [],
            data = DATA + data,
            env = {"MOBULA_MACHINES": kind},
            tags = ["exclusive", "no-asan", "no-tsan"] + tags +
                   (["long"] if group in FAILING and "long" not in tags else []),
            deps = ["//tests/machines:%s_scenarios" % group],
        )

    # Five minutes of it, and very many nodes.
    for name, group, arg in [
        ("loss_long_test", "loss", "--gtest_filter=Losses.*Death"),
        ("join_long_test", "join", "--gtest_filter=Joins.*"),
    ]:
        mobula_test(
            name = name,
            size = "enormous",
            srcs = [],
            args = [arg],
            data = DATA + data,
            env = {
                "MOBULA_BLACKOUT_SECONDS": "300",
                "MOBULA_MACHINES": kind,
            },
            tags = ["exclusive", "long", "no-asan", "no-tsan"],
            deps = ["//tests/machines:%s_scenarios" % group],
        )
