//! Filling in the WGSL templates of `shaders/`.

/// The files that shaders share, by name. A line `//#include NAME` is replaced by the file.
pub(super) const SHARED: [(&str, &str); 3] = [
    ("activation", include_str!("../../shaders/activation.wgsl")),
    ("attention_operands", include_str!("../../shaders/attention_operands.wgsl")),
    ("folded", include_str!("../../shaders/folded.wgsl")),
];

/// Fills in a template: includes the shared files, replaces `{{NAME}}` by the values, and follows
/// the directives of [`expand`].
pub(super) fn fill(template: &str, values: &[(&str, String)], flags: &[&str]) -> String {
    let mut text = template.to_string();
    for (name, shared) in SHARED {
        text = text.replace(&format!("//#include {name}\n"), shared);
    }
    for (name, value) in values {
        text = text.replace(&placeholder(name), value);
    }
    expand(&mut text.lines(), flags).0
}

/// Expands the lines up to the `//#else` or `//#end` that belongs to them, and returns the text and
/// that directive. Two directives may be inside:
///
/// * `//#if FLAG`, optionally `//#else`, and `//#end` keep one of the two parts.
/// * `//#repeat NAME COUNT` and `//#end` write the lines out `COUNT` times, with `NAME` in double
///   braces counting from 0. Values that a loop would keep in an array get names this way, and so
///   they stay in registers: compilers do not unroll loops reliably.
fn expand<'a>(lines: &mut std::str::Lines<'a>, flags: &[&str]) -> (String, &'a str) {
    let mut out = String::new();
    while let Some(line) = lines.next() {
        let directive = line.trim();
        if let Some(flag) = directive.strip_prefix("//#if ") {
            let (chosen, end) = expand(lines, flags);
            let other = if end == "//#else" { expand(lines, flags).0 } else { String::new() };
            out += if flags.contains(&flag) { &chosen } else { &other };
        } else if let Some(arguments) = directive.strip_prefix("//#repeat ") {
            let (name, count) = arguments.split_once(' ').expect("write `//#repeat NAME COUNT`");
            let count: usize = count.parse().expect("the `COUNT` of `//#repeat` is a number");
            let body = expand(lines, flags).0;
            (0..count).for_each(|i| out += &body.replace(&placeholder(name), &i.to_string()));
        } else if directive == "//#else" || directive == "//#end" {
            return (out, directive);
        } else {
            out += line;
            out.push('\n');
        }
    }
    (out, "")
}

fn placeholder(name: &str) -> String {
    format!("{{{{{name}}}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_written_out() {
        let text = "a\n  //#repeat i 2\n  x{{i}} = {{i}}u;\n  //#end\nb\n";
        assert_eq!(fill(text, &[], &[]), "a\n  x0 = 0u;\n  x1 = 1u;\nb\n");
    }

    #[test]
    fn parts_are_chosen() {
        let text = "//#if a\n1\n//#if b\n2\n//#else\n3\n//#end\n//#else\n4\n//#end\n5\n";
        assert_eq!(fill(text, &[], &["a", "b"]), "1\n2\n5\n");
        assert_eq!(fill(text, &[], &["a"]), "1\n3\n5\n");
        assert_eq!(fill(text, &[], &["b"]), "4\n5\n");
    }
}
