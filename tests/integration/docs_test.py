#!/usr/bin/env python3
"""What the README promises holds: its plugin compiles, its configuration is read without a mistake."""
import re
import subprocess
import unittest

from postrider import BUILD, ROOT, Case


def block(text, language):
    found = re.search(rf"```{language}\n(.*?)```", text, re.S)
    assert found, f"no {language} block in README.md"
    return found.group(1)


class Readme(Case):
    def setUp(self):
        super().setUp()
        self.text = (ROOT / "README.md").read_text()

    def test_the_plugin_compiles_without_a_warning(self):
        source = self.folder / "readme.cpp"
        source.write_text(block(self.text, "cpp"))
        run = subprocess.run(["clang++-19", "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                              "-I", ROOT / "sdk" / "include", source], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_the_configuration_is_right(self):
        path = self.folder / "readme.toml"
        path.write_text(block(self.text, "toml") + f'[server]\nplugin_path = ["{BUILD / "plugins"}"]\n')
        self.check(path)

    def test_the_default_configuration_is_right(self):
        self.check(ROOT / "etc" / "postrider.toml")

    def test_the_examples_are_right(self):
        examples = sorted((ROOT / "etc" / "examples").glob("*.toml"))
        self.assertTrue(examples)
        for example in examples:
            with self.subTest(example.name):
                path = self.folder / example.name
                path.write_text(example.read_text().replace(
                    "[server]\n", f'[server]\nplugin_path = ["{BUILD / "plugins"}"]\n', 1))
                self.check(path)

    def check(self, path):
        run = subprocess.run([BUILD / "core" / "postriderd", "--config", path, "--check"],
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)


if __name__ == "__main__":
    unittest.main()
