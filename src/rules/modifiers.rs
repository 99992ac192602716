//! Modifiers that contradict one another: the engine would silently obey one of them.
use rsigma_parser::Modifier;

/// What a modifier decides; of one kind an item can have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// How text is compared.
    Text,
    /// Another comparison than that of text.
    Other,
    Utf16,
    Base64,
    Dash,
    RegexFlag,
    Free,
}

fn kind(modifier: Modifier) -> Kind {
    match modifier {
        Modifier::Contains | Modifier::StartsWith | Modifier::EndsWith => Kind::Text,
        Modifier::Re
        | Modifier::Cidr
        | Modifier::Exists
        | Modifier::FieldRef
        | Modifier::Gt
        | Modifier::Gte
        | Modifier::Lt
        | Modifier::Lte
        | Modifier::Minute
        | Modifier::Hour
        | Modifier::Day
        | Modifier::Week
        | Modifier::Month
        | Modifier::Year => Kind::Other,
        Modifier::Wide | Modifier::Utf16 | Modifier::Utf16be => Kind::Utf16,
        Modifier::Base64 | Modifier::Base64Offset => Kind::Base64,
        Modifier::WindAsh => Kind::Dash,
        Modifier::IgnoreCase | Modifier::Multiline | Modifier::DotAll => Kind::RegexFlag,
        Modifier::All | Modifier::Cased | Modifier::Neq | Modifier::Expand => Kind::Free,
    }
}

/// Refuses modifiers that cannot hold together, or that can have no effect.
pub fn check(modifiers: &[Modifier]) -> Result<(), String> {
    let count = |k: Kind| modifiers.iter().filter(|m| kind(**m) == k).count();
    let place = |m: Modifier| modifiers.iter().position(|o| *o == m);
    let conflict = |what: &str| Err(format!("conflicting modifiers: {what}"));
    for (k, name) in [
        (Kind::Text, "more than one of contains, startswith, endswith"),
        (Kind::Other, "more than one comparison"),
        (Kind::Utf16, "more than one utf16 encoding"),
        (Kind::Base64, "base64 and base64offset"),
    ] {
        if count(k) > 1 {
            return conflict(name);
        }
    }
    let encoded = count(Kind::Utf16) + count(Kind::Base64) + count(Kind::Dash) > 0;
    if encoded && count(Kind::Other) > 0 {
        return conflict("windash, base64 and utf16 are about text, not about this comparison");
    }
    if count(Kind::RegexFlag) > 0 && place(Modifier::Re).is_none() {
        return conflict("i, m and s are flags of re");
    }
    if count(Kind::Utf16) > 0 && count(Kind::Base64) == 0 {
        return conflict("utf16 without base64 never matches, as values of events are text");
    }
    if count(Kind::Dash) > 0 && count(Kind::Base64) > 0 {
        return conflict("windash and base64");
    }
    if count(Kind::Text) > 0 && count(Kind::Other) > 0 {
        let text = modifiers.iter().position(|m| kind(*m) == Kind::Text);
        return match place(Modifier::FieldRef) {
            Some(at) if Some(at) < text => Ok(()),
            Some(_) => conflict("contains, startswith and endswith stand behind fieldref"),
            None => conflict("contains, startswith or endswith with another comparison"),
        };
    }
    Ok(())
}
