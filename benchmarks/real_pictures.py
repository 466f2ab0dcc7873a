"""Makes the large real pictures that real_questions.jsonl asks about, from files in Debian's packages.

No picture is kept in the repository. The script downloads each package into a temporary folder, unpacks it there
without installing it, and renders the one file that is wanted:

    python benchmarks/real_pictures.py --out pictures

Rendered sizes are fixed, so that the ``target`` boxes of the questions, in pixels of the rendered picture, hold. They
were measured on Debian 12 with chromium, ghostscript, graphviz, librsvg2-bin and poppler-utils, and with the fonts of
fonts-dejavu-core, fonts-liberation, fonts-noto-mono and fonts-urw-base35; other versions may set a label some pixels
away. The graph of dependencies is what apt knows of a package at the time; a point release can change it. The SHA-256 of each source file is written down here: where it differs, the table says so, and the questions of
that picture are worth a look before they are believed.

The downloads come to about 170 MB, and the run takes three to six minutes.
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

QUESTIONS = Path(__file__).with_name("real_questions.jsonl")
MAX_PIXELS = 120_000_000  # a larger one is a mistake in the list below

Tool = Literal["rsvg", "pdftoppm", "sheet", "gs", "dot", "depends", "chromium"]

# What each way of rendering runs, and the Debian package that has it.
NEEDS: dict[Tool, dict[str, str]] = {
    "rsvg": {"rsvg-convert": "librsvg2-bin"},
    "pdftoppm": {"pdftoppm": "poppler-utils"},
    "sheet": {"pdftoppm": "poppler-utils"},
    "gs": {"gs": "ghostscript"},
    "dot": {"dot": "graphviz", "rsvg-convert": "librsvg2-bin"},
    "depends": {"apt-cache": "apt", "dot": "graphviz", "rsvg-convert": "librsvg2-bin"},
    "chromium": {"chromium": "chromium"},
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: the file it comes from and how it is rendered.

    Attributes:
        name: The stem of the PNG, and what a question's ``image`` says.
        kind: What sort of picture it is, as a person would sort them.
        package: The Debian package to download.
        source: The file inside the package; a ``.gz`` is unpacked first. For depends the name that the graph of the
            package's dependencies, as ``apt-cache dotty`` prints it, is kept under.
        tool: What renders it.
        scale: The long edge in pixels (rsvg, pdftoppm, dot, depends), the height of one page (sheet) or dots per inch
            (gs); unused for chromium.
        size: Width and height that the rendering has, in pixels, after any turn; for chromium also of the window, and
            for sheet of the whole, which holds as many of the first pages as fit, row by row.
        sha256: Digest of the source file as packed (before a ``.gz`` is unpacked).
        turn: Quarter turns clockwise after rendering, for sheets that are stored lying on their side.
    """

    name: str
    kind: str
    package: str
    source: str
    tool: Tool
    scale: int
    size: tuple[int, int]
    sha256: str
    turn: int = 0


DOC = "usr/share/doc"
OSGB = f"{DOC}/libgeo-coordinates-osgb-perl/examples"
CLIPART = "usr/share/openclipart/svg"
BOARDS = "usr/share/fritzing/parts/svg/core/breadboard"
GTAG = f"{DOC}/lepton-eda/examples/gTAG/ps"

# fmt: off
PICTURES = (
    Picture(
        "os_explorer", "map", "libgeo-coordinates-osgb-perl", f"{OSGB}/Index_for_map_series_B.pdf",
        "pdftoppm", 10000, (6784, 10000), "ebb010d1f8adab89131b9aaa8090e6ebc4e42b5a64ebb76e71702af8d89b370a",
    ),
    Picture(
        "os_landranger", "map", "libgeo-coordinates-osgb-perl", f"{OSGB}/Index_for_map_series_A.pdf",
        "pdftoppm", 9000, (6105, 9000), "0f8ba46f22ad4ab6244dd1919d0050766210a2ea76e35fd293daf7bf14483805",
    ),
    Picture(
        "gps_track", "map", "gpsman", f"{DOC}/gpsman/html/info/samplemap.ps.gz",
        "gs", 800, (9356, 6611), "2c330cd7afd52c7821e80ed59eb83a5390797b88223f6f381adf9ea6dc703281", turn=1,
    ),
    Picture(
        "controller_sheet", "schematic", "lepton-eda", f"{GTAG}/gTAG-ucont.ps",
        "gs", 800, (9356, 6611), "2cc2acf689fde894f76c554863efba19b7384865329661ac1c6d6a8422f27d50", turn=1,
    ),
    Picture(
        "jtag_sheet", "schematic", "lepton-eda", f"{GTAG}/gTAG-jtagio.ps",
        "gs", 800, (9356, 6611), "249892dce3bbecbf029df741d1da958a0c41a95e863f40322e1805f40a42dc2f", turn=1,
    ),
    Picture(
        "due_board", "board", "fritzing-parts", f"{BOARDS}/Arduino_DUE_V02b_breadboard.svg",
        "rsvg", 8000, (8000, 4127), "fe0c7d6179a72808a308f75fdd333f445037ee02f5384ea93fa050d2fc53636f",
    ),
    Picture(
        "chipkit_board", "board", "fritzing-parts", f"{BOARDS}/chipkit_MX4_breadboard.svg",
        "rsvg", 8000, (8000, 7062), "d61d15aef52d7c4ba0f3af13ccf5885cde7caaa8b7ca0504e4e9e72d14f534a1",
    ),
    Picture(
        "rcu_flow", "diagram", "linux-doc-6.1", f"{DOC}/linux-doc-6.1/html/_images/TreeRCU-gp.svg",
        "rsvg", 12000, (3053, 12000), "bb34ea9b7c113f09e23b3893160e8dae7143047e3ee1dc6e955d72b1c405a3a1",
    ),
    Picture(
        "process_tree", "graph", "graphviz-doc", f"{DOC}/graphviz/examples/graphs/directed/awilliams.gv.gz",
        "dot", 10000, (10000, 3534), "0b93f750fdcbaec269cacf287cf9e391ca534ff8bb64001bdf6a7f89cbf980e6",
    ),
    Picture(
        "molecules", "table", "texlive-metapost-doc", f"{DOC}/texlive-doc/metapost/mcf2graph/mcf_exa_code.pdf",
        "pdftoppm", 9000, (6364, 9000), "ba98aa7e25a002bc0140d59eb812737227429d5669a2e7442cd7ae08912f4691",
    ),
    Picture(
        "orchestra_score", "score", "lilypond-doc-pdf", f"{DOC}/lilypond/html/Documentation/ly-examples/orchestra.pdf",
        "pdftoppm", 8000, (5657, 8000), "32ff4a07b904026b773436e081e3fc1521e7ad609e5131d3484d0978f969a468",
    ),
    Picture(
        "course_poster", "poster", "openclipart-svg", f"{CLIPART}/special/poster-example_01.svg",
        "rsvg", 7000, (7000, 4950), "27209045c1ce9ec8b1ad97df1af97e08c1bfb2e1942ca4a1ff4b1846b28b8594",
    ),
    Picture(
        "island_flag", "emblem", "openclipart-svg", f"{CLIPART}/signs_and_symbols/flags/europe/south_georgia_and_south_sandwich_islands.svg",
        "rsvg", 8000, (8000, 4000), "597fead5f484d69c49ddd75b0d2ece4e939e5b0a86ef3f9408540207ff979e3f",
    ),
    Picture(
        "sql_keywords", "screen", "postgresql-doc-15", f"{DOC}/postgresql-doc-15/html/sql-keywords-appendix.html",
        "chromium", 0, (3840, 2160), "d5023299bb1dba566e3c40c67ae9ba4612fe6969b0bc137b919d753d93e6153c",
    ),
    Picture(
        "apache_directives", "screen", "apache2-doc", f"{DOC}/apache2-doc/manual/en/mod/quickreference.html",
        "chromium", 0, (3840, 2160), "9bdd9ee41c5195f55861c2166c378f733ada483558e0455241df9cbf8c16628c",
    ),
    Picture(
        "bash_manual", "manual", "bash-doc", f"{DOC}/bash/bash.pdf",
        "sheet", 1100, (7780, 4400), "ebd1361fe662e7e6b7386da02986bda05a434f85667939f72356fa86de19dd6d",
    ),
    Picture(
        "molecule_manual", "manual", "texlive-metapost-doc", f"{DOC}/texlive-doc/metapost/mcf2graph/mcf_manual.pdf",
        "sheet", 1100, (5446, 4400), "e35e8e002637ac1669578e37f963e53b4f2e8409247ac47cd88545a93eb3f093",
    ),
    Picture(
        "xfig_depends", "graph", "xfig", "depends.gv",
        "depends", 7000, (7000, 1611), "f4acdbb149cce1d1b2122f6991fd221426d1401e893be0cb9373308cf6b0508a",
    ),
    Picture(
        "device_numbers", "screen", "linux-doc-6.1", f"{DOC}/linux-doc-6.1/html/admin-guide/devices.html",
        "chromium", 0, (2000, 16000), "7d786187f52ab20fcdf0a5599c0ccdb39d7715e3b2ef05ffae467812ebafb37e",
    ),
    Picture(
        "error_codes", "screen", "postgresql-doc-15", f"{DOC}/postgresql-doc-15/html/errcodes-appendix.html",
        "chromium", 0, (1600, 9000), "b1f555cab1c471994db7b16d7c73d100ed2bb7d0bbf45086e9d06ccffd206f10",
    ),
    Picture(
        "apache_reference", "screen", "apache2-doc", f"{DOC}/apache2-doc/manual/en/mod/quickreference.html",
        "chromium", 0, (2400, 16000), "9bdd9ee41c5195f55861c2166c378f733ada483558e0455241df9cbf8c16628c",
    ),
)
# fmt: on


def fetch(package: str, into: Path) -> tuple[Path, str] | None:
    """Downloads a package and unpacks it under ``into``, without installing it.

    Returns:
        The folder it was unpacked to and its version, or None where the package is not available.
    """
    debs = into / "debs" / package
    debs.mkdir(parents=True, exist_ok=True)
    command = ["apt-get", "download", "-o", "APT::Sandbox::User=root", package]
    got = subprocess.run(command, cwd=debs, capture_output=True, text=True, check=False)
    files = sorted(debs.glob("*.deb"))
    if got.returncode != 0 or not files:
        reason = got.stderr.strip().splitlines()
        print(
            f"{package}: not available, its pictures are skipped ({reason[-1] if reason else 'no package file'})",
            file=sys.stderr,
        )
        return None
    root = into / "files" / package
    root.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["dpkg-deb", "-x", str(files[0]), str(root)], check=True)
        version = subprocess.run(
            ["dpkg-deb", "-f", str(files[0]), "Version"], check=True, capture_output=True, text=True
        )
    except subprocess.CalledProcessError as error:
        print(f"{package}: cannot be unpacked, its pictures are skipped ({error})", file=sys.stderr)
        return None
    return root, version.stdout.strip()


def unpacked(source: Path, scratch: Path) -> Path:
    """The file itself, or its content where it is packed with gzip."""
    if source.suffix != ".gz":
        return source
    plain = scratch / source.stem
    plain.write_bytes(gzip.decompress(source.read_bytes()))
    return plain


def rsvg(source: Path, out: Path, long_edge: int) -> list[str]:
    edge = str(long_edge)
    return [
        "rsvg-convert",
        "--unlimited",
        "--keep-aspect-ratio",
        "-w",
        edge,
        "-h",
        edge,
        "-b",
        "white",
        "-o",
        str(out),
        str(source),
    ]


def render(picture: Picture, source: Path, out: Path, scratch: Path) -> None:
    """Renders ``source`` to the PNG ``out``.

    Raises:
        subprocess.CalledProcessError: The renderer failed.
        OSError: The renderer wrote no picture.
    """
    source = unpacked(source, scratch)
    if picture.tool == "rsvg":
        command = rsvg(source, out, picture.scale)
    elif picture.tool in {"dot", "depends"}:
        drawn = scratch / f"{picture.name}.svg"
        subprocess.run(["dot", "-Tsvg", "-o", str(drawn), str(source)], check=True, capture_output=True)
        command = rsvg(drawn, out, picture.scale)
    elif picture.tool == "pdftoppm":
        command = [
            "pdftoppm",
            "-png",
            "-singlefile",
            "-scale-to",
            str(picture.scale),
            str(source),
            str(out.with_suffix("")),
        ]
    elif picture.tool == "sheet":
        lay(picture, source, out, scratch)
        return
    elif picture.tool == "gs":
        smooth = ["-dTextAlphaBits=4", "-dGraphicsAlphaBits=4"]
        command = [
            "gs",
            "-q",
            "-dSAFER",
            "-dBATCH",
            "-dNOPAUSE",
            "-sDEVICE=png16m",
            "-sPAPERSIZE=a4",
            f"-r{picture.scale}",
        ]
        command += [*smooth, f"-sOutputFile={out}", str(source)]
    else:
        quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        look = [
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            f"--window-size={picture.size[0]},{picture.size[1]}",
        ]
        profile = f"--user-data-dir={scratch / 'profile'}"
        command = ["chromium", *quiet, *look, profile, f"--screenshot={out}", source.resolve().as_uri()]
    home = {**os.environ, "HOME": str(scratch)} if picture.tool == "chromium" else None
    subprocess.run(command, check=True, capture_output=True, env=home, timeout=300)
    if picture.turn:
        Image.MAX_IMAGE_PIXELS = MAX_PIXELS
        with Image.open(out) as sheet:
            turned = sheet.rotate(-90 * picture.turn, expand=True)
        turned.save(out, compress_level=3)


def lay(picture: Picture, source: Path, out: Path, scratch: Path) -> None:
    """Lays the first pages of a document out on one sheet, row by row from the top left, as many as its size holds."""
    pages = scratch / picture.name
    pages.mkdir()
    subprocess.run(
        ["pdftoppm", "-png", "-scale-to", str(picture.scale), str(source), str(pages / "page")],
        check=True,
        capture_output=True,
    )
    sheet = Image.new("RGB", picture.size, "white")
    left, top = 0, 0
    for path in sorted(pages.iterdir()):  # pdftoppm pads the numbers
        with Image.open(path) as page:
            if left + page.width > sheet.width:
                left, top = 0, top + picture.scale
            sheet.paste(page, (left, top))
            left += page.width
    sheet.save(out, compress_level=3)


def make(picture: Picture, root: Path, out: Path, scratch: Path) -> tuple[str, str]:
    """Makes one picture.

    Returns:
        Its size in words with a remark where something is not as it was measured, and the digest of its source; a
        picture that could not be made has a digest of "" and the reason instead of a size.
    """
    missing = sorted(debian for tool, debian in NEEDS[picture.tool].items() if shutil.which(tool) is None)
    if missing:
        return f"skipped: install {' '.join(missing)}", ""
    source = root / picture.source
    if picture.tool == "depends":
        graph = subprocess.run(["apt-cache", "dotty", picture.package], capture_output=True, check=False)
        source.write_bytes(graph.stdout)
    if not source.is_file():
        return "skipped: no such file in this version", ""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    target = out / f"{picture.name}.png"
    try:
        render(picture, source, target, scratch)
        with Image.open(target) as made:
            size = made.size
    except (subprocess.SubprocessError, OSError) as error:
        return f"skipped: rendering failed ({error})", ""
    said = f"{size[0]}x{size[1]}"
    if size != picture.size:
        said += f" (measured {picture.size[0]}x{picture.size[1]})"
    if digest != picture.sha256:
        said += " (source differs)"
    return said, digest


def report(made: set[str]) -> None:
    """Prints how many questions have their picture, and which are skipped."""
    if not QUESTIONS.is_file():
        return
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines() if line]
    skipped = Counter(row["image"] for row in rows if row["image"] not in made)
    print(f"\nquestions: {len(rows) - skipped.total()} of {len(rows)} have their picture")
    for image, count in sorted(skipped.items()):
        print(f"skipped: {count} about {image}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the folder that the pictures are written to")
    parser.add_argument(
        "--only",
        action="append",
        choices=[picture.name for picture in PICTURES],
        help="make this picture alone (may be repeated)",
    )
    args = parser.parse_args()
    missing = [tool for tool in ("apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        sys.exit(
            f"{' and '.join(missing)} not found: the pictures come from Debian's packages, so run this on Debian or in a Debian container"
        )
    out: Path = args.out
    out.mkdir(parents=True, exist_ok=True)
    wanted = [picture for picture in PICTURES if not args.only or picture.name in args.only]
    made: set[str] = set()
    print("name\tkind\tpackage\tversion\tsource\tsize\tsha256 of source")
    with tempfile.TemporaryDirectory(prefix="real-pictures-") as folder:
        scratch = Path(folder)
        packages = {name: fetch(name, scratch) for name in dict.fromkeys(picture.package for picture in wanted)}
        for picture in wanted:
            package = packages[picture.package]
            said, digest, version = "skipped: package not available", "", "-"
            if package is not None:
                version = package[1]
                said, digest = make(picture, package[0], out, scratch)
            if digest:
                made.add(picture.name)
            print(
                f"{picture.name}\t{picture.kind}\t{picture.package}\t{version}\t{picture.source}\t{said}\t{digest or '-'}",
                flush=True,
            )
    if not args.only:
        report(made)


if __name__ == "__main__":
    main()
