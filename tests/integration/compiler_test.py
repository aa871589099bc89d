#!/usr/bin/env python3
"""GCC 12 is refused by CMake, with the reason: it would miscompile coroutines."""
import re
import subprocess
import unittest

from postrider import ROOT, Case


class Compiler(Case):
    def test_gcc_12_is_refused_with_the_reason(self):
        run = subprocess.run(["cmake", "-S", ROOT, "-B", self.folder, "-G", "Ninja",
                              "-DCMAKE_CXX_COMPILER=g++-12"], capture_output=True, text=True)
        self.assertNotEqual(run.returncode, 0)
        said = re.sub(r"\s+", " ", run.stderr)
        self.assertRegex(said, r"GCC 12\.\d\.\d miscompiles ordinary coroutines")
        self.assertIn("clang", said)


if __name__ == "__main__":
    unittest.main()
