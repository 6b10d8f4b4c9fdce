"""Runs the unittest cases of a file, and writes them to XML_OUTPUT_FILE as
Bazel wants them, so that each counts as a case."""

import importlib.machinery
import importlib.util
import os
import sys
import time
import unittest
import xml.etree.ElementTree as xml


def load(path):
    """The module in `path`, which need not end in .py."""
    name = os.path.basename(path).removesuffix(".py")
    loader = importlib.machinery.SourceFileLoader(name, path)
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


class CaseList(unittest.TextTestResult):
    """Keeps name, seconds and failure of every case."""

    def __init__(self, *args):
        super().__init__(*args)
        self.cases = {}

    def startTest(self, test):
        super().startTest(test)
        self.cases[test.id()] = [time.monotonic(), None]

    def stopTest(self, test):
        super().stopTest(test)
        self.cases[test.id()][0] = time.monotonic() - self.cases[test.id()][0]

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.cases[test.id()][1] = self.failures[-1][1]

    def addError(self, test, err):
        super().addError(test, err)
        entry = self.cases.setdefault(test.id(), [0, None])
        entry[1] = self.errors[-1][1]

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.cases[test.id()][1] = f"{subtest}: {err[1]}"


def write_xml(cases, path):
    suites = xml.Element("testsuites")
    suite = xml.SubElement(suites, "testsuite", name="python",
                           tests=str(len(cases)))
    for ident, (seconds, failure) in cases.items():
        module, _, name = ident.rpartition(".")
        case = xml.SubElement(suite, "testcase", classname=module, name=name,
                              time=f"{seconds:.3f}")
        if failure is not None:
            xml.SubElement(case, "failure", message=failure.splitlines()[-1])
    xml.ElementTree(suites).write(path)


def main(argv):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    suite = unittest.defaultTestLoader.loadTestsFromModule(load(argv[1]))
    runner = unittest.TextTestRunner(resultclass=CaseList, verbosity=2)
    result = runner.run(suite)
    if os.environ.get("XML_OUTPUT_FILE"):
        write_xml(result.cases, os.environ["XML_OUTPUT_FILE"])
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)


if __name__ == "__main__":
    main(sys.argv)
