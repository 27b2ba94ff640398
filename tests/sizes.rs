//! How long files and functions are: at most 350 lines a file as a rule and 600 as a wall, 80 a function,
//! which takes four arguments at most besides `self`.
//!
//! Lines of tests do not count. `scripts/check` shows the report.

use std::fmt::Write as _;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{FnArg, ImplItemFn, Item, ItemFn, TraitItemFn};

use crate::sources::{self, Source, is_for_tests, lines};

const FILE_RULE: usize = 350;
const FILE_WALL: usize = 600;
const FUNCTION_WALL: usize = 80;
const ARGUMENTS_WALL: usize = 4;

#[test]
fn no_file_or_function_is_past_its_wall() {
    let sources = sources::all();
    let files = sources.iter().map(file).collect();
    let mut lengths = Vec::new();
    let mut faults = Vec::new();
    for source in &sources {
        let functions = Functions::of(source);
        lengths.extend(functions.found);
        faults.extend(functions.faults);
    }
    let files = Ranking::new("file", files, FILE_WALL);
    let functions = Ranking::new("function", lengths, FUNCTION_WALL);
    println!("{}{}", files.report(FILE_RULE), functions.report(FUNCTION_WALL));
    faults.extend(files.past_the_wall());
    faults.extend(functions.past_the_wall());
    assert!(faults.is_empty(), "too large:\n  {}", faults.join("\n  "));
}

/// Something with a length, and the place where it starts.
#[derive(Clone)]
struct Sized {
    length: usize,
    place: String,
}

/// Sizes of one sort, longest first.
struct Ranking {
    noun: &'static str,
    sizes: Vec<Sized>,
    wall: usize,
}

impl Ranking {
    fn new(noun: &'static str, mut sizes: Vec<Sized>, wall: usize) -> Self {
        sizes.sort_by(|a, b| b.length.cmp(&a.length).then(a.place.cmp(&b.place)));
        Self { noun, sizes, wall }
    }

    /// The length that `percent` of them do not exceed.
    fn percentile(&self, percent: usize) -> usize {
        let rank = (self.sizes.len() * percent).div_ceil(100).max(1);
        let from_longest = self.sizes.len().saturating_sub(rank);
        self.sizes.get(from_longest).map_or(0, |size| size.length)
    }

    fn report(&self, rule: usize) -> String {
        let over = self.sizes.iter().filter(|size| size.length > rule).count();
        let mut report = format!(
            "{} {}s: lines p50 {}, p90 {}, max {}; {over} above {rule}, the wall is {}\n",
            self.sizes.len(),
            self.noun,
            self.percentile(50),
            self.percentile(90),
            self.percentile(100),
            self.wall,
        );
        for size in self.sizes.iter().take(5) {
            let _ = writeln!(report, "  {:5}  {}", size.length, size.place);
        }
        report
    }

    fn past_the_wall(&self) -> Vec<String> {
        self.sizes
            .iter()
            .take_while(|size| size.length > self.wall)
            .map(|size| format!("{}: {} lines", size.place, size.length))
            .collect()
    }
}

/// A file's length without its tests.
fn file(source: &Source) -> Sized {
    let of_tests: usize = source
        .syntax
        .items
        .iter()
        .filter(|item| is_for_tests(sources::attributes(item)))
        .map(|item| length(item.span()))
        .sum();
    Sized { length: source.text.lines().count().saturating_sub(of_tests), place: format!("src/{}", source.path) }
}

/// Every production function of a file, from its signature to its closing brace.
struct Functions<'a> {
    path: &'a str,
    found: Vec<Sized>,
    /// Those that take too many arguments.
    faults: Vec<String>,
}

impl<'a> Functions<'a> {
    fn of(source: &'a Source) -> Self {
        let mut functions = Self { path: &source.path, found: Vec::new(), faults: Vec::new() };
        functions.visit_file(&source.syntax);
        functions
    }

    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let (first, _) = lines(signature.span());
        let (_, last) = lines(body.span());
        let place = format!("src/{}:{first} {}", self.path, signature.ident);
        let arguments = signature.inputs.iter().filter(|input| matches!(input, FnArg::Typed(_))).count();
        if arguments > ARGUMENTS_WALL {
            self.faults.push(format!("{place}: {arguments} arguments"));
        }
        self.found.push(Sized { length: last - first + 1, place });
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_for_tests(sources::attributes(item)) {
            return;
        }
        let faults = self.faults.len();
        visit::visit_item(self, item);
        // What a trait demands is decided where the trait is written.
        if matches!(item, Item::Impl(block) if block.trait_.is_some()) {
            self.faults.truncate(faults);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.add(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, method: &'ast ImplItemFn) {
        self.add(&method.sig, &method.block);
        visit::visit_impl_item_fn(self, method);
    }

    fn visit_trait_item_fn(&mut self, method: &'ast TraitItemFn) {
        if let Some(body) = &method.default {
            self.add(&method.sig, body);
        }
        visit::visit_trait_item_fn(self, method);
    }
}

fn length(span: proc_macro2::Span) -> usize {
    let (first, last) = lines(span);
    last - first + 1
}

/// The checker itself.
mod checker {
    use super::{Functions, Ranking, Sized, file};
    use crate::sources::Source;

    #[test]
    fn measures_production_code_and_leaves_tests_out() {
        let text = "//! A module.\nfn long() {\n    call();\n}\nimpl T {\n    fn short() {}\n}\n\
                    #[cfg(test)]\nmod tests {\n    fn helper() {\n    }\n}\n";
        let source = Source::new("room.rs", text);
        assert_eq!(file(&source).length, 7);
        let found: Vec<(usize, String)> =
            Functions::of(&source).found.into_iter().map(|size| (size.length, size.place)).collect();
        assert_eq!(found, [(3, "src/room.rs:2 long".to_owned()), (1, "src/room.rs:6 short".to_owned())]);
    }

    #[test]
    fn counts_arguments_besides_self() {
        let text = "impl Theirs for T { fn five(&self, a: A, b: B, c: C, d: D, e: E) {} }";
        assert_eq!(Functions::of(&Source::new("room.rs", text)).faults, [""; 0]);
        let text = "impl T { fn four(&self, a: A, b: B, c: C, d: D) {} }\nfn five(a: A, b: B, c: C, d: D, e: E) {}";
        assert_eq!(Functions::of(&Source::new("room.rs", text)).faults, ["src/room.rs:2 five: 5 arguments"]);
    }

    #[test]
    fn names_what_is_past_the_wall() {
        let sizes = (1..=10).map(|length| Sized { length, place: format!("src/{length}.rs") }).collect();
        let ranking = Ranking::new("file", sizes, 9);
        assert_eq!(ranking.past_the_wall(), ["src/10.rs: 10 lines"]);
        assert_eq!((ranking.percentile(50), ranking.percentile(90)), (5, 9));
    }

    #[test]
    fn an_empty_tree_has_a_report_too() {
        let ranking = Ranking::new("file", Vec::new(), 9);
        assert!(ranking.report(9).starts_with("0 files: lines p50 0"));
    }
}
