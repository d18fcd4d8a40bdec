//! What the sources say: commands, events, methods, functions.

use std::collections::BTreeMap;

use syn::{Attribute, Expr, Fields, Item, ItemEnum, Lit, Meta, Type};

/// A field or a parameter.
pub struct Field {
    pub name: String,
    /// As in JSON: `text`, `true or false`, `list of text`, or a type's name.
    pub kind: String,
    pub optional: bool,
    pub doc: String,
}

/// A command or an event.
pub struct Entry {
    /// `snake_case`.
    pub name: String,
    pub doc: String,
    pub fields: Vec<Field>,
    /// It carries one value of this type as it is.
    pub whole: Option<String>,
}

pub struct Api {
    pub commands: Vec<Entry>,
    pub events: Vec<Entry>,
    /// Name, then its words and what it answers.
    pub methods: BTreeMap<String, (String, String)>,
    /// TypeScript, by name: the declaration.
    pub functions: BTreeMap<String, String>,
    /// Structs that commands and events carry.
    pub structs: BTreeMap<String, (String, Vec<Field>)>,
    /// Enums of words.
    pub words: BTreeMap<String, (String, Vec<(String, String)>)>,
}

const TYPES: [&str; 11] =
    ["call", "calling", "command", "error", "event", "people", "records", "screening", "settings", "video", "view"];
const METHODS: [&str; 5] =
    ["engine.rs", "engine/calls.rs", "engine/people.rs", "engine/pictures.rs", "subscription.rs"];

impl Api {
    pub fn read() -> Self {
        let mut structs = BTreeMap::new();
        let mut words = BTreeMap::new();
        let mut enums = BTreeMap::new();
        for name in TYPES {
            let text = super::read(&format!("src-tauri/engine/src/api/{name}.rs"));
            for item in syn::parse_file(&text).unwrap().items {
                match item {
                    Item::Struct(it) => {
                        structs.insert(it.ident.to_string(), (doc(&it.attrs), fields(&it.fields)));
                    }
                    Item::Enum(it) if it.variants.iter().all(|variant| variant.fields.is_empty()) => {
                        let variant = |it: &syn::Variant| (snake(&it.ident.to_string()), doc(&it.attrs));
                        let variants = it.variants.iter().map(variant).collect();
                        words.insert(it.ident.to_string(), (doc(&it.attrs), variants));
                    }
                    Item::Enum(it) if it.ident != "Command" && it.ident != "Event" => {
                        let variants = it.variants.iter().map(kind_of).collect();
                        words.insert(it.ident.to_string(), (doc(&it.attrs), variants));
                    }
                    Item::Enum(it) => {
                        enums.insert(it.ident.to_string(), it);
                    }
                    _ => {}
                }
            }
        }
        let entries = |name: &str| {
            let entry = |item: &ItemEnum| item.variants.iter().map(|it| entry(it, &structs)).collect::<Vec<_>>();
            entry(&enums[name])
        };
        Self {
            commands: entries("Command"),
            events: entries("Event"),
            methods: methods(),
            functions: functions(),
            structs,
            words,
        }
    }
}

/// One of several kinds of a thing, as `{"kind":"screen","id":…}` names it, and what else belongs to it.
fn kind_of(variant: &syn::Variant) -> (String, String) {
    let with = fields(&variant.fields).into_iter().map(|Field { name, kind, optional, doc }| {
        let optional = if optional { ", optional" } else { "" };
        format!(" `{name}` ({kind}{optional}): {doc}")
    });
    let words = std::iter::once(doc(&variant.attrs)).chain(with).collect();
    (snake(&variant.ident.to_string()), words)
}

fn entry(variant: &syn::Variant, structs: &BTreeMap<String, (String, Vec<Field>)>) -> Entry {
    let (name, words) = (snake(&variant.ident.to_string()), doc(&variant.attrs));
    match &variant.fields {
        Fields::Named(_) => Entry { name, doc: words, fields: fields(&variant.fields), whole: None },
        Fields::Unit => Entry { name, doc: words, fields: Vec::new(), whole: None },
        Fields::Unnamed(it) => {
            let kind = kind(&it.unnamed[0].ty).0;
            let fields = structs.get(&kind).map(|(_, fields)| fields.iter().map(Field::again).collect());
            Entry { name, doc: words, fields: fields.unwrap_or_default(), whole: Some(kind) }
        }
    }
}

impl Field {
    fn again(&self) -> Self {
        Self { name: self.name.clone(), kind: self.kind.clone(), optional: self.optional, doc: self.doc.clone() }
    }
}

fn fields(fields: &Fields) -> Vec<Field> {
    let field = |field: &syn::Field| {
        let (kind, optional) = kind(&field.ty);
        let defaulted = field.attrs.iter().any(|it| match &it.meta {
            Meta::List(list) => list.path.is_ident("serde") && list.tokens.to_string().starts_with("default"),
            Meta::Path(_) | Meta::NameValue(_) => false,
        });
        let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        Field { name, kind, optional: optional || defaulted, doc: doc(&field.attrs) }
    };
    fields.iter().map(field).collect()
}

/// A type as JSON shows it, and whether it may be left out.
fn kind(of: &Type) -> (String, bool) {
    let Type::Path(path) = of else { return ("value".to_owned(), false) };
    let last = path.path.segments.last().unwrap();
    let inner = || match &last.arguments {
        syn::PathArguments::AngleBracketed(it) => match it.args.first() {
            Some(syn::GenericArgument::Type(of)) => kind(of).0,
            _ => "value".to_owned(),
        },
        _ => "value".to_owned(),
    };
    match last.ident.to_string().as_str() {
        "Option" => (inner(), true),
        "Vec" => (format!("list of {}", inner()), false),
        "String" => ("text".to_owned(), false),
        "bool" => ("true or false".to_owned(), false),
        "u8" | "u16" | "u32" | "f32" | "f64" | "i64" => ("number".to_owned(), false),
        other => (other.to_owned(), false),
    }
}

fn doc(attributes: &[Attribute]) -> String {
    let line = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(it) if it.path.is_ident("doc") => match &it.value {
            Expr::Lit(it) => match &it.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    attributes.iter().filter_map(line).collect::<Vec<_>>().join("\n").trim().to_owned()
}

fn methods() -> BTreeMap<String, (String, String)> {
    let mut found = BTreeMap::new();
    for file in METHODS {
        for item in syn::parse_file(&super::read(&format!("src-tauri/engine/src/{file}"))).unwrap().items {
            let Item::Impl(item) = item else { continue };
            for item in item.items {
                if let syn::ImplItem::Fn(it) = item
                    && matches!(it.vis, syn::Visibility::Public(_))
                {
                    found.insert(it.sig.ident.to_string(), (doc(&it.attrs), answer(&it.sig.output)));
                }
            }
        }
    }
    found
}

/// What a method answers, in JSON's terms.
fn answer(output: &syn::ReturnType) -> String {
    let syn::ReturnType::Type(_, of) = output else { return "null".to_owned() };
    let mut of = &**of;
    let mut or_null = false;
    loop {
        let Type::Path(path) = of else { return "null".to_owned() };
        let last = path.path.segments.last().unwrap();
        let wraps = ["Result", "Arc", "Option"].iter().any(|it| last.ident == it);
        or_null |= last.ident == "Option";
        match &last.arguments {
            syn::PathArguments::AngleBracketed(it) if wraps => match it.args.first() {
                Some(syn::GenericArgument::Type(inner)) => of = inner,
                _ => return "null".to_owned(),
            },
            _ => return if or_null { format!("{} or null", kind(of).0) } else { kind(of).0 },
        }
    }
}

fn functions() -> BTreeMap<String, String> {
    let text = super::read("ui/src/callkit/index.ts");
    let mut found = BTreeMap::new();
    for part in text.split("export const ").skip(1) {
        let declaration = part.split("=>").next().unwrap_or_default();
        let name = declaration.split([' ', '=']).next().unwrap_or_default();
        let flat = declaration.split_whitespace().collect::<Vec<_>>().join(" ");
        let signature = flat.replacen(" = async ", "", 1).replacen(" = ", "", 1);
        found.insert(name.to_owned(), signature);
    }
    found
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
