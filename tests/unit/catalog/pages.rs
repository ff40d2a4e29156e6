//! What a page costs, and how a search is cut short.

use assetd::asset::{Asset, Facts, Format, Kind, Name, Tags};
use assetd::catalog::{Catalog, Query};

use super::{Folder, group, id, image, insert, user, walk};

/// The asset at a place: of four kinds and two users in turn, every third of a client, every fifth of a campaign.
fn nth(place: u64) -> Asset {
    let mut asset = image(id(place));
    asset.owner = user(1 + place % 2);
    (asset.format, asset.facts) = match place / 2 % 4 {
        0 => (Format::Png, Facts::Image { width: 9, height: 9 }),
        1 => (Format::Mp4, Facts::Video { width: 9, height: 9, duration: 9 }),
        2 => (Format::Mp3, Facts::Audio { duration: 9 }),
        _ => (Format::Pdf, Facts::Document { page_count: None }),
    };
    asset.client = place.is_multiple_of(3).then(|| group("acme"));
    asset.campaign = place.is_multiple_of(5).then(|| group("spring"));
    let tags = [("third", 3), ("fourth", 4), ("common", 1)];
    let tags = tags.iter().filter(|(_, each)| place.is_multiple_of(*each)).map(|(tag, _)| *tag);
    asset.tags = Tags::new(tags).unwrap();
    asset.name = Name::given(&format!("picture {place}.png")).unwrap().unwrap();
    asset.sha256[..8].copy_from_slice(&place.to_be_bytes());
    asset
}

fn of(count: u64) -> (Folder, Catalog) {
    let folder = Folder::new();
    let catalog = folder.catalog();
    insert(&catalog, &(1..=count).map(nth).collect::<Vec<_>>());
    (folder, catalog)
}

#[test]
fn a_page_costs_its_own_rows_however_many_assets_there_are() {
    const FEW: u64 = 600;
    const MANY: u64 = 12_000;
    let (_folder, few) = of(FEW);
    let (_folder, many) = of(MANY);
    let kinds = [None, Some(Kind::Image), Some(Kind::Document)];
    let shapes = kinds.into_iter().flat_map(|kind| {
        let all = Query { limit: 3, kind, ..Query::default() };
        let client = Some(group("acme"));
        let campaign = Some(group("spring"));
        let tags = vec!["third".to_owned()];
        [
            all.clone(),
            Query { client: client.clone(), ..all.clone() },
            Query { campaign: campaign.clone(), ..all.clone() },
            Query { client, campaign, ..all.clone() },
            Query { tags, ..all.clone() },
            Query { offset: 1, ..all },
        ]
    });
    for query in shapes {
        let first = few.list(user(1), &query).unwrap();
        assert_eq!(first.assets.len(), 3, "{query:?}");
        // Places alike in both: the pattern of kinds and groups repeats every 120.
        let in_few = Query { before: Some(id(FEW - 119)), ..query.clone() };
        let in_many = Query { before: Some(id(MANY - 119)), ..query.clone() };
        for (few_query, many_query) in [(&query, &query), (&in_few, &in_many)] {
            let in_few = few.list(user(1), few_query).unwrap();
            let in_many = many.list(user(1), many_query).unwrap();
            assert_eq!(in_few.cost, in_many.cost, "{many_query:?}");
        }
        // And it is what its rows are worth: a record and a step each, with some steps to look ahead.
        assert!(first.cost <= 3 * 21 + 8, "{} for {query:?}", first.cost);
    }
}

#[test]
fn a_page_of_two_tags_leaps_over_what_only_one_has() {
    let (_folder, catalog) = of(12_000);
    let mut rare = image(id(100));
    rare.tags = Tags::new(["common", "rare"]).unwrap();
    rare.id = id(20_000);
    insert(&catalog, std::slice::from_ref(&rare));
    let mut old = rare.clone();
    old.id = id(0);
    insert(&catalog, std::slice::from_ref(&old));

    let tags = vec!["common".to_owned(), "rare".to_owned()];
    let page = catalog.list(user(1), &Query { tags, ..Query::default() }).unwrap();

    assert_eq!(page.assets, [rare, old]);
    assert_eq!(page.next, None);
    assert!(page.cost < 300, "{}", page.cost);
}

#[test]
fn a_search_is_cut_short_at_a_bound_and_goes_on_from_there() {
    const COUNT: u64 = 12_000;
    let (_folder, catalog) = of(COUNT);
    let rare = |place: u64| place == 2 || place == COUNT - 1 || place == 5_001;
    let mut batch = catalog.begin().unwrap();
    for place in (1..=COUNT).filter(|place| rare(*place)) {
        let mut new = nth(place);
        new.name = Name::given(&format!("Needle {place}")).unwrap().unwrap();
        new.owner = nth(place).owner;
        batch.replace(&nth(place), &new).unwrap();
    }
    batch.commit().unwrap();
    let ids = |assets: Vec<Asset>| assets.into_iter().map(|asset| asset.id).collect::<Vec<_>>();

    let query = Query { q: Some("needle".into()), ..Query::default() };
    let page = catalog.list(user(2), &query).unwrap();
    assert_eq!(ids(page.assets), [id(COUNT - 1)]);
    assert!(page.next.is_some_and(|next| next > id(5_001)));
    assert_eq!(page.total, None);
    assert_eq!(ids(walk(&catalog, user(2), &query)), [id(COUNT - 1), id(5_001)]);
    assert_eq!(ids(walk(&catalog, user(1), &query)), [id(2)]);

    // A page that is cut short before the offset is skipped says how much of it is left.
    let query = Query { offset: 1, ..query };
    let page = catalog.list(user(2), &query).unwrap();
    assert_eq!((page.assets.len(), page.skip), (0, 0));
    assert_eq!(ids(walk(&catalog, user(2), &query)), [id(5_001)]);
    assert_eq!(ids(walk(&catalog, user(1), &query)), []);

    // Tags beside a group: all that bear one and name the other, over as many pages as it takes.
    let tags = vec!["third".to_owned(), "fourth".to_owned()];
    let query =
        Query { tags, campaign: Some(group("spring")), q: Some("PICTURE".into()), ..Query::default() };
    let expected: Vec<_> = (1..=COUNT).rev().filter(|place| place % 60 == 0).map(id).collect();
    assert_eq!(ids(walk(&catalog, user(1), &query)), expected);
}

#[test]
fn q_is_a_part_of_the_name_in_any_case_and_normal_form() {
    let folder = Folder::new();
    let catalog = folder.catalog();
    let cases = [
        ("Été à Nice.JPG", "ÉTÉ", true),
        // e and a combining acute accent.
        ("Été à Nice.JPG", "e\u{301}te\u{301}", true),
        ("Été à Nice.JPG", "ete", false),
        ("ΟΔΟΣΑ", "οδοσ", true),
        ("ΟΔΟΣ", "οδος", true),
        ("οδος", "ΟΔΟΣ", true),
        ("İstanbul", "i\u{307}STANBUL", true),
        ("100%_done.pdf", "%_D", true),
        ("a.b", "a?b", false),
    ];
    for (place, (name, q, found)) in cases.into_iter().enumerate() {
        let mut asset = image(id(1 + place as u64));
        asset.owner = user(place as u64);
        asset.name = Name::given(name).unwrap().unwrap();
        insert(&catalog, std::slice::from_ref(&asset));

        let page = catalog.list(asset.owner, &Query { q: Some(q.into()), ..Query::default() }).unwrap();

        assert_eq!(!page.assets.is_empty(), found, "{name:?} by {q:?}");
    }
}

#[test]
fn a_tag_matches_in_its_case_trimmed_and_in_any_normal_form() {
    let folder = Folder::new();
    let catalog = folder.catalog();
    let mut asset = image(id(1));
    asset.tags = Tags::new(["été", "Red"]).unwrap();
    insert(&catalog, std::slice::from_ref(&asset));
    let cases: [(&[&str], bool); 7] = [
        (&["été"], true),
        (&[" e\u{301}te\u{301} "], true),
        (&["Red", "été", "Red"], true),
        (&["red"], false),
        (&["Re"], false),
        (&["", " "], true),
        (&["Red", "blue"], false),
    ];
    for (tags, found) in cases {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let page = catalog.list(user(1), &Query { tags, ..Query::default() }).unwrap();
        assert_eq!(page.assets.len(), usize::from(found));
    }
    // More tags than an asset can bear are no asset's.
    let tags = (0..40).map(|n| n.to_string()).collect();
    assert_eq!(catalog.list(user(1), &Query { tags, ..Query::default() }).unwrap().assets, []);
}
