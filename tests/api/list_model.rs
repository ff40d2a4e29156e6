//! A law of API.md, 4 to 7: after any calls of several users, lists and groups say what a plain map would.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{Client, Form, Random, Server, sample};

const USERS: [u64; 3] = [1, 2, 3];
const CLIENTS: [&str; 4] = ["", "acme", "acme-2", "z"];
const CAMPAIGNS: [&str; 3] = ["", "spring", "acme"];
const TAGS: [&str; 4] = ["red", "blue", "Red", "a b"];
const NAMES: [&str; 4] = ["hero.png", "Hero shot.wav", "jingle.wav", "brief.pdf"];
const STEPS: usize = 150;

/// What the server ought to hold: the assets by id, as [`portless`] makes them.
struct Model {
    assets: BTreeMap<String, Value>,
}

impl Model {
    fn of(&self, user: u64) -> impl DoubleEndedIterator<Item = &Value> {
        self.assets.values().filter(move |asset| asset["userId"] == user)
    }

    /// The ids of the assets that match, newest first.
    fn matching(&self, user: u64, filter: &Filter) -> Vec<String> {
        let mut ids: Vec<String> = self
            .of(user)
            .filter(|asset| filter.holds(asset))
            .map(|asset| asset["id"].as_str().expect("an id").to_owned())
            .collect();
        ids.reverse();
        ids
    }

    /// The answer to `GET /api/v2/clients` or `…/campaigns`.
    fn groups(&self, user: u64, field: &str) -> Value {
        let mut groups: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for asset in self.of(user) {
            if let Some(group) = asset[field].as_str() {
                let (count, size) = groups.entry(group).or_default();
                *count += 1;
                *size += asset["size"].as_u64().expect("a size");
            }
        }
        groups
            .iter()
            .map(|(id, (count, size))| json!({"id": id, "assetCount": count, "totalSize": size}))
            .collect()
    }
}

#[derive(Default)]
struct Filter {
    client: &'static str,
    campaign: &'static str,
    kind: &'static str,
    tags: BTreeSet<&'static str>,
    q: &'static str,
}

impl Filter {
    fn random(random: &mut Random) -> Filter {
        let mut filter = Filter {
            client: random.pick(&CLIENTS),
            campaign: random.pick(&CAMPAIGNS),
            kind: random.pick(&["", "", "image", "audio", "document", "video"]),
            ..Filter::default()
        };
        if random.one_in(3) {
            filter.tags.insert(random.pick(&TAGS));
        }
        if random.one_in(6) {
            filter.tags.insert(random.pick(&TAGS));
        }
        if random.one_in(5) {
            filter.q = random.pick(&["hero", "HERO S", "i", "zz"]);
        }
        filter
    }

    fn holds(&self, asset: &Value) -> bool {
        let is = |key: &str, wanted: &str| wanted.is_empty() || asset[key] == wanted;
        let tagged =
            |tag: &&str| asset["tags"].as_array().is_some_and(|tags| tags.iter().any(|have| have == *tag));
        let name = asset["name"].as_str().expect("a name").to_lowercase();
        is("clientId", self.client)
            && is("campaignId", self.campaign)
            && is("type", self.kind)
            && self.tags.iter().all(tagged)
            && name.contains(&self.q.to_lowercase())
    }

    fn query(&self) -> String {
        let mut query = format!(
            "clientId={}&campaignId={}&asset_type={}&q={}",
            self.client,
            self.campaign,
            self.kind,
            self.q.replace(' ', "%20")
        );
        for tag in &self.tags {
            query += &format!("&tag={}", tag.replace(' ', "+"));
        }
        query
    }

    fn is_counted(&self) -> bool {
        self.q.is_empty() && self.tags.is_empty()
    }
}

#[track_caller]
fn upload(user: &Client, random: &mut Random) -> Value {
    let name = random.pick(&NAMES);
    let mut form = Form::of(name, &sample::named(name))
        .text("clientId", random.pick(&CLIENTS))
        .text("campaignId", random.pick(&CAMPAIGNS));
    for _ in 0..random.below(3) {
        form = form.text("tags", random.pick(&TAGS));
    }
    portless(&user.upload_form(&form))
}

/// A change that the server takes, and what it makes of an asset.
fn change(random: &mut Random, asset: &Value) -> (Value, Value) {
    let mut body = json!({});
    let mut changed = asset.clone();
    if random.one_in(2) {
        let client = random.pick(&CLIENTS);
        body["clientId"] = json!(client);
        changed["clientId"] = if client.is_empty() { Value::Null } else { json!(client) };
    }
    if random.one_in(2) {
        let campaign = random.pick(&CAMPAIGNS);
        let value = if campaign.is_empty() { Value::Null } else { json!(campaign) };
        body["campaignId"] = value.clone();
        changed["campaignId"] = value;
    }
    if random.one_in(2) {
        let tags: Vec<&str> = TAGS.into_iter().filter(|_| random.one_in(2)).collect();
        body["tags"] = json!(tags);
        changed["tags"] = if tags.is_empty() { Value::Null } else { json!(tags) };
    }
    if random.one_in(3) {
        let name = format!("Renamed {}", random.pick(&NAMES));
        body["name"] = json!(name);
        changed["name"] = json!(name);
    }
    (body, changed)
}

fn play(test: &str, seed: u64) {
    let mut random = Random::new(seed);
    let mut server = Server::start();
    let mut model = Model { assets: BTreeMap::new() };
    for step in 0..STEPS {
        let number = random.pick(&USERS);
        let user = server.user(number);
        let owned: Vec<String> = model.matching(number, &Filter::default());
        match random.below(20) {
            0..8 => {
                let asset = upload(&user, &mut random);
                let id = asset["id"].as_str().expect("an id").to_owned();
                model.assets.insert(id, asset);
            }
            8..11 if !owned.is_empty() => {
                let id = &owned[random.below(owned.len())];
                let (body, changed) = change(&mut random, &model.assets[id]);
                let answer = user.patch(&format!("/api/v2/assets/{id}"), &body);
                let answer = portless(&answer.expect(200).json());
                assert_eq!(answer, changed, "step {step} of {test}");
                model.assets.insert(id.clone(), changed);
            }
            11..13 if !owned.is_empty() => {
                let id = &owned[random.below(owned.len())];
                user.delete(&format!("/api/v2/assets/{id}")).expect(200);
                model.assets.remove(id);
            }
            13 => cascade(&server, &mut model, number, &mut random),
            14 if random.one_in(4) => server.restart(),
            _ => {
                let filter = Filter::random(&mut random);
                check_list(&user, &model, number, &filter, random.below(7) + 1);
            }
        }
        let user = server.user(number);
        assert_eq!(
            user.get("/api/v2/clients").expect(200).json(),
            model.groups(number, "clientId"),
            "clients after step {step}"
        );
        assert_eq!(
            user.get("/api/v2/campaigns").expect(200).json(),
            model.groups(number, "campaignId"),
            "campaigns after step {step}"
        );
    }
    for number in USERS {
        check_list(&server.user(number), &model, number, &Filter::default(), 100);
    }
    let files = server.files();
    let originals = files.iter().filter(|file| !file.contains('_')).count();
    assert_eq!(originals, model.assets.len(), "{files:?}");
}

/// All pages, against the model: ids, records, total.
#[track_caller]
fn check_list(user: &Client, model: &Model, number: u64, filter: &Filter, limit: usize) {
    let query = format!("{}&limit={limit}", filter.query());
    let expected = model.matching(number, filter);
    let pages = user.pages(&query);
    let mut found = Vec::new();
    for page in pages {
        assert!(page.ids.len() <= limit, "{query}");
        let total = filter.is_counted().then_some(expected.len() as u64);
        assert_eq!(page.total, total, "{query}");
        for asset in &page.assets {
            let id = asset["id"].as_str().expect("an id");
            assert_eq!(portless(asset), model.assets[id]);
        }
        found.extend(page.ids);
    }
    assert_eq!(found, expected, "{query}");
}

/// The asset with the paths of its URLs alone: they name the server's port, which a restart changes.
fn portless(asset: &Value) -> Value {
    let mut asset = asset.clone();
    for key in ["url", "thumbnailUrl", "waveformUrl"] {
        if let Some(url) = asset[key].as_str().map(str::to_owned) {
            let path = url.find("/api").expect("a path");
            asset[key] = json!(url[path..]);
        }
    }
    asset
}

#[track_caller]
fn cascade(server: &Server, model: &mut Model, number: u64, random: &mut Random) {
    let (route, word, field, groups) = if random.one_in(2) {
        ("clients", "Client", "clientId", &CLIENTS[1..])
    } else {
        ("campaigns", "Campaign", "campaignId", &CAMPAIGNS[1..])
    };
    let group = random.pick(groups);
    let as_admin = random.one_in(4);
    let doomed: Vec<String> = model
        .assets
        .iter()
        .filter(|(_, asset)| asset[field] == group && (as_admin || asset["userId"] == number))
        .map(|(id, _)| id.clone())
        .collect();
    let client = if as_admin { server.admin() } else { server.user(number) };
    let answer = client.delete(&format!("/api/v2/{route}/{group}"));
    if doomed.is_empty() {
        answer.expect(404).detail(&format!("{word} not found"));
    } else {
        let expected = json!({
            "success": true,
            "message": format!("{word} {group} deleted successfully"),
            "deletedAssets": doomed.len(),
        });
        assert_eq!(answer.expect(200).json(), expected);
    }
    model.assets.retain(|id, _| !doomed.contains(id));
}

#[test]
fn lists_and_groups_say_what_a_plain_map_would() {
    let test = "lists_and_groups_say_what_a_plain_map_would";
    play(test, Random::seed(test));
}

#[test]
fn lists_and_groups_say_what_a_plain_map_would_from_a_fixed_seed() {
    play("lists_and_groups_say_what_a_plain_map_would_from_a_fixed_seed", 20_251_116);
}
