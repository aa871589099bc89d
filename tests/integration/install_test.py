#!/usr/bin/env python3
"""An installed Postrider: a plugin built outside the tree with find_package(Postrider) is loaded, and
one built otherwise than the daemon is refused by its build tag."""
import subprocess
import unittest

from postrider import BASE, BUILD, ROOT, SANITIZED, Case, Daemon

CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(mine CXX)
find_package(Postrider REQUIRED)
postrider_add_plugin(mine mine.cpp)
"""


class Install(Case):
    def run_or_fail(self, *command):
        run = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run.stdout

    def test_a_plugin_built_outside_the_tree(self):
        prefix, source = self.folder / "prefix", self.folder / "source"
        self.run_or_fail("cmake", "--install", BUILD, "--prefix", prefix)
        for path in ("sbin/postriderd", "bin/postrider", "lib/postrider/skeleton.so"):
            self.assertTrue((prefix / path).exists(), path)
        source.mkdir()
        (source / "CMakeLists.txt").write_text(CMAKE)
        skeleton = (ROOT / "plugins" / "skeleton" / "skeleton.cpp").read_text()
        (source / "mine.cpp").write_text(skeleton.replace('"skeleton"', '"mine"'))
        self.run_or_fail("cmake", "-S", source, "-B", source / "build", "-G", "Ninja",
                         "-DCMAKE_CXX_COMPILER=clang++-19", f"-DCMAKE_PREFIX_PATH={prefix}")
        if SANITIZED:
            # The SDK's own objects are sanitized: link without asking for the sanitizer's symbols.
            archive = next(prefix.glob("lib*/**/libpostrider_sdk.a"))
            self.run_or_fail("clang++-19", "-std=c++23", "-shared", "-fPIC", "-fvisibility=hidden",
                             "-I", prefix / "include", source / "mine.cpp", archive, "-o",
                             source / "build" / "mine.so")
        else:
            self.run_or_fail("cmake", "--build", source / "build")

        config = BASE + f'[[plugin]]\nuse = "{source}/build/mine.so"\nid = "mine"\n'
        if SANITIZED:
            daemon = Daemon(self.folder, config, start=False)
            run = subprocess.run([BUILD / "core" / "postriderd", "--check", "--config", daemon.config],
                                 capture_output=True, text=True)
            self.assertEqual(run.returncode, 78)
            self.assertIn("sanitizer none", run.stderr)
            self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
            return
        daemon = self.keep(Daemon(self.folder, config))
        self.assertIn("mine", [plugin["id"] for plugin in daemon.json("plugins")["plugins"]])
        with daemon.smtp() as smtp:
            self.assertEqual(smtp.ehlo()[0], 250)


if __name__ == "__main__":
    unittest.main()
