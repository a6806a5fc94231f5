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
FACES = (("400", "normal"), ("400", "italic"), ("700", "normal"))
SUBSETS = ("vietnamese", "latin-ext", "latin")
# Of the large packages only what a page asks for.
WANTED_FILES = {
    "@fortawesome/fontawesome-free": ("css/svg-with-js.min.css", "js/all.min.js"),
    "bootstrap": ("dist/js/bootstrap.bundle.min.js",),
    "bootswatch": ("dist/*/bootstrap.min.css",),
    "chart.js": ("dist/chart.min.js",),
}
SOURCES = ("*.ts", "*.scss", "*.less", "*.md")  # that no page asks for


def packages(node_modules):
    from mayan.apps.dependencies.classes import JavaScriptDependency

    for dependency in JavaScriptDependency.get_all(subclass_only=True):
        target = dependency.get_install_path()
        copy(node_modules / dependency.name, target, WANTED_FILES.get(dependency.name))
        if dependency.replace_list:
            dependency.patch_files()
        if not dependency.check():
            raise SystemExit(f"{dependency.name}: Mayan states {dependency.version_string}")


def copy(source, target, wanted):
    if not wanted:
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*SOURCES))
        return
    maps = [f"{pattern}.map" for pattern in wanted]  # without them the collection is refused
    for pattern in (*wanted, *maps, "package.json", "LICENSE*"):
        for file in source.glob(pattern):
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)


def fonts(node_modules):
    """The theme asks for a font Lato, which has no Vietnamese letters; this one is served."""
    from mayan.apps.dependencies.classes import GoogleFontDependency

    for dependency in GoogleFontDependency.get_all(subclass_only=True):
        target = dependency.get_install_path()
        target.mkdir(parents=True)
        rules = []
        for weight, style in FACES:
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

    call_command("appearance_prepare_static", interactive=False, verbosity=0)
    strip(static, Path(django.__file__).parent.parent)


def strip(static, libraries):
    """What was collected is not needed twice, nor are sources of scripts and of translations."""
    from django.apps import apps

    for config in apps.get_app_configs():
        shutil.rmtree(Path(config.path, "static"), ignore_errors=True)
    for source in [*static.rglob("*.map"), *static.rglob("*.map.gz"), *libraries.rglob("*.po")]:
        source.unlink()


if __name__ == "__main__":
    main()
