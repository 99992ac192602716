//! The exported schema is the code's, and every part of it is described.
use async_graphql::{
    Positioned,
    parser::{
        parse_schema,
        types::{TypeKind, TypeSystemDefinition},
    },
};
use sysmonsearch::serve::graphql::sdl;

/// With `UPDATE_SCHEMA=1` the file is written instead of compared.
#[test]
fn schema_file_is_that_of_the_code() {
    let sdl = sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write("schema.graphql", &sdl).unwrap();
    }
    let file = std::fs::read_to_string("schema.graphql").unwrap();
    assert!(
        file == sdl,
        "schema.graphql is not that of the code: run the test with UPDATE_SCHEMA=1 and look at the diff"
    );
}

#[test]
fn everything_is_described() {
    let mut bare = Vec::new();
    let mut check = |what: String, description: &Option<Positioned<String>>| {
        if description.is_none() {
            bare.push(what);
        }
    };
    for definition in parse_schema(sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(ty) = definition else { continue };
        let (name, ty) = (ty.node.name.node.clone(), ty.node);
        check(name.to_string(), &ty.description);
        let fields = match ty.kind {
            TypeKind::Object(o) => o.fields,
            TypeKind::Interface(i) => i.fields,
            TypeKind::InputObject(i) => {
                i.fields.iter().for_each(|f| check(format!("{name}.{}", f.node.name.node), &f.node.description));
                continue;
            }
            TypeKind::Enum(e) => {
                e.values.iter().for_each(|v| check(format!("{name}.{}", v.node.value.node), &v.node.description));
                continue;
            }
            TypeKind::Scalar | TypeKind::Union(_) => continue,
        };
        for field in fields {
            let field = field.node;
            check(format!("{name}.{}", field.name.node), &field.description);
            for a in &field.arguments {
                check(format!("{name}.{}({})", field.name.node, a.node.name.node), &a.node.description);
            }
        }
    }
    assert!(bare.is_empty(), "without description: {}", bare.join(", "));
}
