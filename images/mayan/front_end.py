"""What Mayan's pages need, put where Mayan looks for it; run once, while the image is made.

Mayan would fetch these files itself, from addresses that it knows. Here npm has fetched them
(package.json, by the versions that Mayan states), and they are collected for the web server:
  front_end.py NODE_MODULES STATIC_ROOT
Ends with 1 when a file is missing or of another version than Mayan states.
"""

import os
import shutil
import sys
from pathlib import Path

FONT = "@fontsource/be-vietnam-pro"
WANTED = (("400", "normal"), ("400", "italic"), ("700", "normal"))
SUBSETS = ("vietnamese", "latin-ext", "latin")
KEPT = (".po", ".map", ".ts")  # endings of sources that no server reads


def packages(node_modules):
    from mayan.apps.dependencies.classes import JavaScriptDependency

    for dependency in JavaScriptDependency.get_all(subclass_only=True):
        target = dependency.get_install_path()
        shutil.copytree(node_modules / dependency.name, target)
        if dependency.replace_list:
            dependency.patch_files()
        if not dependency.check():
            raise SystemExit(f"{dependency.name}: Mayan states {dependency.version_string}")


def fonts(node_modules):
    """The theme asks for a font Lato, which has no Vietnamese letters; this one is served."""
    from mayan.apps.dependencies.classes import GoogleFontDependency

    for dependency in GoogleFontDependency.get_all(subclass_only=True):
        target = dependency.get_install_path()
        target.mkdir(parents=True)
        rules = []
        for weight, style in WANTED:
            for subset in SUBSETS:
                name = f"be-vietnam-pro-{subset}-{weight}-{style}.woff2"
                shutil.copy(node_modules / FONT / "files" / name, target)
                rules.append(rule(name, weight, style, ranges(node_modules)[subset]))
        (target / "import.css").write_text("".join(rules), encoding="utf-8")
        if not dependency.check():
            raise SystemExit(f"{dependency.name}: not where Mayan looks for it")


def ranges(node_modules):
    """Subset -> the letters it holds, as the font's own package states them."""
    import json

    return json.loads((node_modules / FONT / "unicode.json").read_text(encoding="utf-8"))


def rule(name, weight, style, letters):
    return (
        f"@font-face{{font-family:'Lato';font-style:{style};font-weight:{weight};"
        f"font-display:swap;src:url('{name}') format('woff2');unicode-range:{letters}}}\n"
    )


def main():
    node_modules, static = Path(sys.argv[1]), Path(sys.argv[2])
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "hanoi_base",
        "MAYAN_MEDIA_ROOT": "/tmp/media",
        "MAYAN_STATIC_ROOT": str(static),
    }
    import django

    django.setup()
    packages(node_modules)
    fonts(node_modules)
    from django.core.management import call_command

    call_command("appearance_prepare_static", interactive=False)


if __name__ == "__main__":
    main()
