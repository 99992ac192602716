//! What every event store promises of the verbs behind statistics and sorted lists: exact, and kept to the scope.
use super::{
    conformance::{all, comparison, engines, pages},
    naive, sample,
};
use sysmonsearch::{
    error::Code,
    event::{Condition, Event, EventId, Field, Period, Scope, Time, condition::Operator},
    store::{Cursor, EventStore, Order, Query, ValueOrder, ValuesQuery},
};

async fn stored(store: &dyn EventStore, events: &[Event]) {
    for part in events.chunks(700) {
        store.append(part.to_vec()).await.unwrap();
        store.refresh().await.unwrap();
    }
}

fn scopes() -> [Scope; 3] {
    [Scope::All, Scope::hosts(["dc-01", "WS-02.corp.example", "unknown"]), Scope::hosts(["x"; 0])]
}

fn queries() -> [Query; 3] {
    let middle = Period { from: Some(Time(1_700_050_000_000)), to: Some(Time(1_700_150_000_000)) };
    let shell = comparison("Image", Operator::Contains, &["POWERshell"]);
    [
        all(),
        Query { condition: Condition::Not(Box::new(shell)), period: middle },
        Query { condition: Condition::Or(Vec::new()), period: Period::default() },
    ]
}

#[tokio::test]
async fn pages_sorted_by_a_field_reach_every_event_once_in_order() {
    let events = sample::events(21, 2_000);
    for engine in engines() {
        stored(&*engine.store, &events).await;
        for scope in &scopes() {
            for query in &queries() {
                let matching = naive::matching(&events, scope, query);
                for field in [
                    Field::Image,
                    Field::User,
                    Field::Computer,
                    Field::EventId,
                    Field::DestinationPort,
                    Field::HashValue,
                    Field::CommandLine,
                    Field::State,
                ] {
                    for descending in [false, true] {
                        let sorted = naive::sorted(&matching, field, descending);
                        let expected: Vec<EventId> = sorted.iter().map(|e| e.id).collect();
                        let order = Order::By { field, descending };
                        let found = pages(&*engine.store, scope, query, order, 450).await;
                        assert!(found == expected, "{field:?} descending: {descending} {query:?}");
                    }
                }
            }
        }
        let order = Order::By { field: Field::Image, descending: false };
        let unknown = Cursor { time: Time(0), id: EventId(1) };
        let refused = engine.store.search(&Scope::All, &all(), order, Some(unknown), 5).await.unwrap_err();
        assert_eq!(refused.code, Code::BadInput);
    }
}

#[tokio::test]
async fn values_and_combinations_agree_with_counting_by_hand() {
    let events = sample::events(22, 2_500);
    let early = Query { condition: Condition::All, period: Period { from: None, to: Some(Time(1_700_050_000_000)) } };
    let others = comparison("Computer", Operator::Equals, &["dc-01"]);
    let others = Query { condition: Condition::Not(Box::new(others)), period: Period::default() };
    let asks = [
        (vec![Field::Image], None, false, ValueOrder::Events, true, 12),
        (vec![Field::CommandLine], None, false, ValueOrder::Events, false, 500),
        (vec![Field::CommandLine], Some(early.clone()), true, ValueOrder::FirstSeen, false, 30),
        (vec![Field::HashValue], Some(others.clone()), false, ValueOrder::Baseline, false, 30),
        (vec![Field::DestinationIp], Some(early.clone()), false, ValueOrder::Change, true, 5),
        (vec![Field::EventId], None, false, ValueOrder::Hosts, true, 30),
        (vec![Field::User], None, false, ValueOrder::Value, true, 7),
        (vec![Field::TargetObject], None, false, ValueOrder::LastSeen, true, 7),
        (vec![Field::ParentImage, Field::Image], None, false, ValueOrder::Events, true, 25),
        (vec![Field::ParentImage, Field::CommandLine], Some(early), true, ValueOrder::Events, false, 300),
        (vec![Field::Computer, Field::EventId], Some(others), false, ValueOrder::Value, false, 300),
        (vec![Field::HashValue, Field::Image, Field::User], None, false, ValueOrder::Hosts, false, 40),
        (vec![Field::State, Field::Image], None, false, ValueOrder::Events, true, 5),
    ];
    for engine in engines() {
        stored(&*engine.store, &events).await;
        for scope in &scopes() {
            for query in &queries() {
                let matching = naive::matching(&events, scope, query);
                for (fields, baseline, only_new, order, descending, first) in asks.clone() {
                    let before = baseline.as_ref().map(|b| naive::matching(&events, scope, b)).unwrap_or_default();
                    let ask = ValuesQuery { fields, baseline, only_new, order, descending, first };
                    let found = engine.store.values(scope, query, &ask).await.unwrap();
                    assert!(found == naive::values(&matching, &before, &ask), "{ask:?} {query:?}: {found:#?}");
                }
            }
        }
        for fields in [vec![], vec![Field::Image; 4]] {
            let (order, baseline) = (ValueOrder::Events, None);
            let ask = ValuesQuery { fields, baseline, only_new: false, order, descending: true, first: 5 };
            assert_eq!(engine.store.values(&Scope::All, &all(), &ask).await.unwrap_err().code, Code::BadInput);
        }
    }
}

#[tokio::test]
async fn the_latest_event_of_each_host() {
    let events = sample::events(23, 2_000);
    let hosts = ["dc-01", "nowhere", "ws-02.corp.example", "büro-7"].map(str::to_owned);
    for engine in engines() {
        stored(&*engine.store, &events).await;
        for scope in &scopes() {
            for query in &queries() {
                let matching = naive::matching(&events, scope, query);
                let found = engine.store.latest(scope, query, &hosts).await.unwrap();
                let found: Vec<Option<&Event>> = found.iter().map(Option::as_deref).collect();
                assert!(found == naive::latest(&matching, &hosts), "{scope:?} {query:?}");
            }
        }
    }
}
