//! Documents with something odd or hostile in them, through the front door: how many pages they are told to have, and
//! what is drawn of the first.

use serde_json::{Value, json};

use super::decoded;
use crate::support::pdf::{Pdf, stream};
use crate::support::{Server, sample};

const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
const FONT: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";

/// A node whose pages are 600 by 800 points; `extra` is put into it.
fn node(kids: &str, extra: &str) -> String {
    format!("<</Type/Pages/Kids[{kids}]/MediaBox[0 0 600 800]/Resources<</Font<</F 3 0 R>>>>{extra}>>")
}

/// A page of its own contents, object 5; `extra` is put into it.
fn page(extra: &str) -> String {
    format!("<</Type/Page/Parent 2 0 R/Contents 5 0 R{extra}>>")
}

/// A red bar along the upper edge, 100 of 800 points high.
fn bar() -> Vec<u8> {
    stream("", b"1 0 0 rg 0 700 600 100 re f")
}

/// One page, object 4, without its tree.
fn page_alone(extra: &str) -> Pdf {
    Pdf::new().object(1, CATALOG).object(3, FONT).object(5, bar()).object(4, page(extra))
}

/// A page that draws `contents` with `resources`, and the objects that they name.
fn drawing(contents: &[u8], coding: &str, resources: &str, objects: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let page = format!(
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 5 0 R/Resources<</Font<</F 3 0 R>>{resources}>>>>"
    );
    let mut pdf = Pdf::new().object(1, CATALOG).object(2, node("4 0 R", "/Count 1")).object(3, FONT);
    pdf = pdf.object(4, page).object(5, stream(coding, contents));
    for (number, body) in objects {
        pdf = pdf.object(*number, body);
    }
    pdf.table("")
}

/// The asset that these bytes become, and its thumbnail if it has one.
#[track_caller]
fn told(server: &Server, bytes: &[u8]) -> (Value, Option<image::RgbImage>) {
    let asset = server.user(7).upload_bytes("a.pdf", bytes);
    let picture = asset.0["thumbnailUrl"]
        .is_string()
        .then(|| decoded(&server.user(7).get(&asset.sub("thumbnail")).expect(200).body));
    (asset.0["pageCount"].clone(), picture)
}

#[track_caller]
fn assert_bar(picture: &image::RgbImage, name: &str) {
    let [red, green, blue] = picture.get_pixel(picture.width() / 2, 20).0;
    assert!(red > 200 && green < 60 && blue < 60, "{name}: {red} {green} {blue}");
    assert!(picture.get_pixel(picture.width() / 2, 400).0.iter().all(|level| *level > 240), "{name}");
}

#[test]
fn odd_page_trees_are_counted_and_their_first_page_is_drawn() {
    let server = Server::start();
    let tree = |root: &str| page_alone("").object(2, root).table("");
    let catalog_here = page_alone("").object(2, node("4 0 R", "")).bytes;
    let start = catalog_here.len();
    let rows = [
        (
            "a node that says nothing of its kind",
            tree(&node("4 0 R 4 0 R", "").replace("/Type/Pages", "")),
            2,
        ),
        ("a node that calls itself a page", tree(&node("4 0 R", "").replace("/Type/Pages", "/Type/Page")), 1),
        (
            "a page that calls itself a node",
            page_alone("")
                .object(6, "<</Type/Pages/Contents 5 0 R>>")
                .object(2, node("6 0 R 4 0 R", ""))
                .table(""),
            2,
        ),
        ("kids that are null", tree(&node("null 4 0 R null", "")), 1),
        ("a first kid that is gone", tree(&node("99 0 R 4 0 R", "/Count 1")), 1),
        ("a page in its node", tree(&node(&page(""), "")), 1),
        ("a node in its node", tree(&node("<</Type/Pages/Kids[4 0 R]>>", "")), 1),
        (
            "kids elsewhere",
            page_alone("")
                .object(2, "<</Type/Pages/Kids 6 0 R/MediaBox[0 0 600 800]>>")
                .object(6, "[4 0 R]")
                .table(""),
            1,
        ),
        (
            "a branch that leads back to the root",
            page_alone("")
                .object(2, node("6 0 R 4 0 R", "/Count 1"))
                .object(6, node("2 0 R", "/Count 1"))
                .table(""),
            1,
        ),
        (
            "a catalog whose last key has no value",
            page_alone("")
                .object(2, node("4 0 R", ""))
                .object(6, "<</Pages 2 0 R/Catalog>>")
                .table("/Root 6 0 R"),
            1,
        ),
        (
            "the catalog in the trailer",
            [
                &catalog_here[..],
                format!("trailer<</Root<</Type/Catalog/Pages 2 0 R>>>>\nstartxref\n{start}\n%%EOF")
                    .as_bytes(),
            ]
            .concat(),
            1,
        ),
    ];
    for (name, bytes, pages) in rows {
        let (count, picture) = told(&server, &bytes);
        assert_eq!(count, json!(pages), "{name}");
        assert_bar(&picture.expect(name), name);
    }
}

#[test]
fn the_part_of_a_page_that_shows_is_drawn_the_right_way_up() {
    let server = Server::start();
    let rows = [
        ("/CropBox[0 400 600 800]", (480, 320)),
        ("/CropBox[600 800 0 400]", (480, 320)),
        ("/CropBox[0 6 0 R 600 800]", (480, 320)),
        ("/CropBox 7 0 R", (480, 320)),
        ("/CropBox[-100 -100 1000 2000]", (360, 480)),
        // Nothing of the page: the page.
        ("/CropBox[1000 1000 1200 1300]", (360, 480)),
        ("/CropBox[0 0 0 0]", (360, 480)),
        ("/CropBox[0 0 100]", (360, 480)),
        ("/CropBox[/A/B/C/D]", (360, 480)),
        ("/MediaBox[600 0 0 800]", (360, 480)),
        ("/MediaBox[0 0 0 0]", (360, 480)),
        ("/MediaBox[0 0 595 842]", (340, 480)),
        ("/UserUnit 10", (360, 480)),
        ("/Rotate 90", (480, 360)),
        ("/Rotate -90", (480, 360)),
        ("/Rotate 450", (480, 360)),
        ("/Rotate 270.0", (480, 360)),
        ("/Rotate 8 0 R", (480, 360)),
        ("/Rotate 45", (360, 480)),
        ("/Rotate 90/CropBox[0 400 600 800]", (320, 480)),
        ("/TrimBox[100 100 200 200]/ArtBox[0 0 1 1]", (360, 480)),
    ];
    for inherited in [false, true] {
        for (extra, size) in rows {
            let (of_page, of_node) = if inherited { ("", extra) } else { (extra, "") };
            let pdf = page_alone(of_page).object(6, "400").object(7, "[0 400 600 800]").object(8, "270");
            let bytes = if of_node.contains("MediaBox") {
                pdf.object(2, node("4 0 R", "").replace("/MediaBox[0 0 600 800]", of_node)).table("")
            } else {
                pdf.object(2, node("4 0 R", of_node)).table("")
            };
            let (_, picture) = told(&server, &bytes);
            let picture = picture.expect(extra);
            // A node whose box is nothing has none: Letter.
            let letter = inherited && extra == "/MediaBox[0 0 0 0]";
            assert_eq!(picture.dimensions(), if letter { (371, 480) } else { size }, "{extra}, {inherited}");
            let red = |x: u32, y: u32| picture.get_pixel(x, y).0[1] < 60;
            let (width, height) = picture.dimensions();
            let (middle, end) = ((width / 2, height / 2), (width - 10, height - 10));
            // The bar is above; turned clockwise, on the right.
            let bar = match extra {
                extra if extra.contains("-90") || extra.contains("270") || extra.contains("8 0 R") => {
                    (10, middle.1)
                }
                extra if extra.contains("90") || extra.contains("450") => (end.0, middle.1),
                _ => (middle.0, 40),
            };
            assert!(letter || red(bar.0, bar.1), "{extra}, {inherited}");
            assert!(!red(middle.0, middle.1), "{extra}, {inherited}");
        }
    }
}

#[test]
fn a_dark_page_is_dark_to_its_last_pixel() {
    let server = Server::start();
    let pdf = page_alone("/MediaBox[0 0 595 842]").object(2, node("4 0 R", ""));
    let mut pdf = pdf.object(5, stream("", b"0 0 595 842 re f"));
    pdf.offsets.remove(2);
    let (_, picture) = told(&server, &pdf.table(""));
    let picture = picture.expect("a thumbnail");
    assert_eq!(picture.dimensions(), (340, 480));
    assert!(
        picture.get_pixel(339, 240).0.iter().all(|level| *level < 40),
        "{:?}",
        picture.get_pixel(339, 240)
    );
}

#[test]
fn files_that_open_without_a_password_are_read_whatever_the_cipher() {
    let server = Server::start();
    for name in
        ["encrypted-rc4-40.pdf", "encrypted-rc4-128.pdf", "encrypted-aes-128.pdf", "encrypted-empty.pdf"]
    {
        let (count, picture) = told(&server, &sample::fixture(&format!("document/{name}")));
        assert_eq!(count, json!(3), "{name}");
        assert_bar(&picture.expect(name), name);
    }
    // Only what is attached is encrypted, with a password of its own.
    let encrypt = "/Encrypt<</Filter/Standard/V 5/R 6/Length 256/P -4/StmF/Identity/StrF/Identity/EFF/A\
                   /CF<</A<</CFM/AESV3/AuthEvent/EFOpen/Length 32>>>>/O<00>/U<00>/OE<00>/UE<00>/Perms<00>>>/ID[<00><00>]";
    let (count, picture) = told(&server, &page_alone("").object(2, node("4 0 R", "")).table(encrypt));
    assert_eq!(count, json!(1));
    assert_bar(&picture.expect("attachments"), "attachments");
}

#[test]
fn borders_of_links_are_drawn_where_they_are_stated_and_show() {
    let server = Server::start();
    let link = |keys: &str| format!("/Annots[<</Subtype/Link/Rect[100 100 500 300]{keys}>>]");
    let rows = [
        ("/Border[0 0 8]/C[0 0 1]", true),
        ("/BS<</W 8>>/C[0 0 1]", true),
        ("/Border[0 0 8]/C[0 0 1]/F 4", true),
        ("/Border[0 0 0]/C[0 0 1]", false),
        ("/Border[0 0 8]/C[0 0 1]/F 2", false),
        ("/C[0 0 1]", false),
    ];
    for (keys, shows) in rows {
        let (_, picture) = told(&server, &page_alone(&link(keys)).object(2, node("4 0 R", "")).table(""));
        let picture = picture.expect(keys);
        assert_bar(&picture, keys);
        // The lower edge, 100 of 800 points up.
        let [red, _, blue] = picture.get_pixel(180, 420).0;
        assert_eq!(red < 100 && blue > 150, shows, "{keys}: {red} {blue}");
    }
}

#[test]
fn text_in_a_font_of_east_asia_that_is_not_there_leaves_its_mark() {
    let server = Server::start();
    let font = "<</Type/Font/Subtype/Type0/BaseFont/HeiseiMin-W3/Encoding/UniJIS-UTF16-H/DescendantFonts[<</Type/Font\
                /Subtype/CIDFontType0/BaseFont/HeiseiMin-W3/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>>>]>>";
    let ink = |text: &str| {
        let contents = format!("BT /J 100 Tf 100 300 Td <{text}> Tj ET");
        let bytes = drawing(contents.as_bytes(), "", "/Font<</J 20 0 R>>", &[(20, font.into())]);
        let (_, picture) = told(&server, &bytes);
        picture.expect("a thumbnail").pixels().filter(|pixel| pixel.0[0] < 128).count()
    };
    // Three signs of 60 pixels; letters, which are drawn as they are; and a blank.
    assert!(ink("65E5672C8A9E") > 1000);
    assert!((200..2000).contains(&ink("00410042")));
    assert_eq!(ink("3000"), 0);
}

/// A program for a picture's colours.
fn function(code: &str) -> Vec<u8> {
    stream("/FunctionType 4/Domain[0 1 0 1]/Range[0 1 0 1 0 1]", code.as_bytes())
}

/// Bytes that unfold to `length` times `byte`, 64 times a pass: the run of 128 bytes of 129 is 129, 129.
fn runs(length: usize) -> Vec<u8> {
    vec![129; length / 64 * 2]
}

#[test]
fn pages_that_bite_their_tail_or_lie_about_their_size_are_accepted() {
    let form = |resources: &str, contents: &str| {
        stream(&format!("/Subtype/Form/BBox[0 0 600 800]/Resources<<{resources}>>"), contents.as_bytes())
    };
    let group = |resources: &str, contents: &str| {
        let keys = "/Subtype/Form/BBox[0 0 600 800]/Group<</S/Transparency/CS/DeviceRGB>>";
        stream(&format!("{keys}/Resources<<{resources}>>"), contents.as_bytes())
    };
    let image = |keys: &str, bytes: &[u8]| {
        let resources = "/XObject<</I 20 0 R>>";
        let image = stream(&format!("/Subtype/Image{keys}"), bytes);
        drawing(b"600 0 0 800 0 0 cm /I Do", "", resources, &[(20, image)])
    };
    let shading = |keys: &str, objects: &[(u32, Vec<u8>)]| {
        let shading = (20, format!("<</ColorSpace/DeviceRGB{keys}>>").into_bytes());
        let objects: Vec<(u32, Vec<u8>)> = [&[shading], objects].concat();
        drawing(b"/S sh", "", "/Shading<</S 20 0 R>>", &objects)
    };
    let pattern = "/Pattern cs /P scn 0 0 600 800 re f";
    let tiling = |steps: &str, resources: &str, contents: &str| {
        let keys = "/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 10 10]";
        stream(&format!("{keys}{steps}/Resources<<{resources}>>"), contents.as_bytes())
    };
    let tiled = |tiling: Vec<u8>| drawing(pattern.as_bytes(), "", "/Pattern<</P 20 0 R>>", &[(20, tiling)]);
    let letters = "<</Type/Font/Subtype/Type3/FontBBox[0 0 1000 1000]/FontMatrix[.001 0 0 .001 0 0]/CharProcs<</a 21 0 R>>\
                   /Encoding<</Differences[97/a]>>/FirstChar 97/LastChar 97/Widths[1000]/Resources<</Font<</T 20 0 R>>>>>>";
    let letter = stream("", b"1000 0 d0 BT /T 500 Tf (aaaaaaaaaa) Tj ET");
    let long = |word: &str, times: usize| drawing(word.repeat(times).as_bytes(), "", "", &[]);
    let rows = [
        (
            "a form in itself",
            drawing(
                b"/X Do",
                "",
                "/XObject<</X 20 0 R>>",
                &[(20, form("/XObject<</X 20 0 R>>", "/X Do /X Do"))],
            ),
        ),
        (
            "a mask of itself",
            drawing(
                b"/G gs 0 0 600 800 re f",
                "",
                "/ExtGState<</G 21 0 R>>",
                &[
                    (20, group("/ExtGState<</G 21 0 R>>", "/G gs 0 0 9 9 re f")),
                    (21, b"<</SMask<</S/Luminosity/G 20 0 R>>>>".to_vec()),
                ],
            ),
        ),
        ("a pattern of itself", tiled(tiling("/XStep 10/YStep 10", "/Pattern<</P 20 0 R>>", pattern))),
        ("a pattern of tiny steps", tiled(tiling("/XStep 0.0001/YStep 0.0001", "", "0 0 1 1 re f"))),
        ("a pattern of no steps", tiled(tiling("/XStep 0/YStep 0", "", "0 0 1 1 re f"))),
        (
            "a letter of itself",
            drawing(
                b"BT /T 20 Tf (aa) Tj ET",
                "",
                "/Font<</T 20 0 R>>",
                &[(20, letters.into()), (21, letter)],
            ),
        ),
        (
            "a function of itself",
            shading(
                "/ShadingType 2/Coords[0 0 600 800]/Function 21 0 R",
                &[(
                    21,
                    b"<</FunctionType 3/Domain[0 1]/Functions[21 0 R 21 0 R]/Bounds[.5]/Encode[0 1 0 1]>>"
                        .to_vec(),
                )],
            ),
        ),
        (
            "a function nested deep",
            shading(
                "/ShadingType 1/Function 21 0 R",
                &[(21, function(&["{ ".repeat(50_000), "}".repeat(50_000)].concat()))],
            ),
        ),
        (
            "a function of huge copies",
            shading(
                "/ShadingType 1/Function 21 0 R",
                &[(21, function("{ 2147483647 copy 9 99999999 roll }"))],
            ),
        ),
        (
            "a function of more samples than there are",
            shading(
                "/ShadingType 2/Coords[0 0 600 800]/Function 21 0 R",
                &[(
                    21,
                    stream(
                        "/FunctionType 0/Domain[0 1]/Range[0 1 0 1 0 1]/Size[2147483647]/BitsPerSample 32",
                        b"x",
                    ),
                )],
            ),
        ),
        (
            "a picture of 50,000 by 50,000",
            image("/Width 50000/Height 50000/BitsPerComponent 8/ColorSpace/DeviceRGB", b"x"),
        ),
        (
            "a picture of 2^31 by 2^31",
            image("/Width 2147483647/Height 2147483647/BitsPerComponent 8/ColorSpace/DeviceRGB", b"x"),
        ),
        (
            "a fax of 60,000 by 60,000",
            image(
                "/Width 60000/Height 60000/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/CCITTFaxDecode\
                 /DecodeParms<</K -1/Columns 60000/Rows 60000>>",
                &[0xff; 8000],
            ),
        ),
        (
            "a JBIG2 page of 60,000 by 60,000",
            image(
                "/Width 60000/Height 60000/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/JBIG2Decode",
                b"\0\0\0\0\x30\0\x01\0\0\0\x13\0\0\xea\x60\0\0\xea\x60\0\0\0\0\0\0\0\0\0\0\0",
            ),
        ),
        (
            "a colour space of itself",
            drawing(
                b"/C cs 1 scn 0 0 600 800 re f",
                "",
                "/ColorSpace<</C 20 0 R>>",
                &[(20, b"[/Indexed 20 0 R 255(abc)]".to_vec())],
            ),
        ),
        (
            "predictors of 2^31 columns",
            drawing(
                b"x\x9c\x03\0\0\0\0\x01",
                "/Filter/FlateDecode/DecodeParms<</Predictor 15/Columns 2147483647/Colors 32/BitsPerComponent 16>>",
                "",
                &[],
            ),
        ),
        (
            "a hundred filters",
            drawing(b"41>", &format!("/Filter[{}]", "/ASCIIHexDecode".repeat(100)), "", &[]),
        ),
        (
            "a stream of 64 MiB in 32 KiB",
            drawing(&runs(32 << 10), "/Filter[/RunLengthDecode/RunLengthDecode/RunLengthDecode]", "", &[]),
        ),
        ("half a million saved states", long("q ", 500_000)),
        ("arrays nested deep", long("[", 200_000)),
        ("a string without end", long("(", 200_000)),
        ("200,000 clips", long("0 0 600 800 re W n ", 200_000)),
        ("a dash of nothing", drawing(b"[0.00001] 0 d 0 0 m 600 800 l S", "", "", &[])),
        (
            "numbers without bounds",
            drawing(
                b"1e30 w 999999999999999999999 0 0 999999999999999999999 0 0 cm 0 0 m 5 5 l S",
                "",
                "",
                &[],
            ),
        ),
    ];
    let server = Server::start();
    for (name, bytes) in &rows {
        let asset = server.user(7).upload_bytes("bomb.pdf", bytes);
        assert_eq!(asset.0["pageCount"], json!(1), "{name}");
        // Another user's file is drawn as if nothing were.
        let innocent = server.user(8).upload("innocent.pdf");
        assert!(innocent.0["thumbnailUrl"].is_string(), "after {name}");
    }
}

#[test]
fn a_hundred_thousand_pages_are_counted_and_the_first_is_drawn() {
    const PAGES: u32 = 100_000;
    let kids: String = (10..10 + PAGES).map(|number| format!("{number} 0 R ")).collect();
    let mut pdf = Pdf::new().object(1, CATALOG).object(2, node(&kids, "")).object(5, bar());
    for number in 10..10 + PAGES {
        pdf = pdf.object(number, page(""));
    }
    let (count, picture) = told(&Server::start(), &pdf.table(""));
    assert_eq!(count, json!(PAGES));
    assert_bar(&picture.expect("a thumbnail"), "100,000 pages");
}
