//! Draws the flame graph: calls, below them their layers, and below these the kernels. A bar is as
//! wide as the time it took.

use std::fmt::Write;
use std::time::Duration;

use aims_web::ops::profile::Record;

/// The width of the drawing.
const WIDTH: f64 = 1200.0;
/// The height of a row.
const ROW: f64 = 22.0;
/// Bars that are narrower than this are left out.
const NARROWEST: f64 = 0.5;
/// The width of a letter.
const LETTER: f64 = 6.2;

#[derive(Default)]
struct Node {
    name: &'static str,
    time: Duration,
    children: Vec<Node>,
}

impl Node {
    fn add(&mut self, path: &[&'static str], time: Duration) {
        self.time += time;
        if let [name, rest @ ..] = path {
            let at =
                self.children.iter().position(|child| child.name == *name).unwrap_or_else(|| {
                    self.children.push(Node { name, ..Node::default() });
                    self.children.len() - 1
                });
            self.children[at].add(rest, time);
        }
    }

    fn depth(&self) -> usize {
        1 + self.children.iter().map(Node::depth).max().unwrap_or(0)
    }

    fn draw(&self, svg: &mut String, left: f64, row: usize, scale: f64) {
        let ms = self.time.as_secs_f64() * 1e3;
        let width = ms * scale;
        if width < NARROWEST {
            return;
        }
        let y = row as f64 * ROW;
        // Each name has the same colour everywhere.
        let hue = self.name.bytes().fold(7u32, |hash, byte| (hash * 31 + u32::from(byte)) % 360);
        let label = format!("{} {ms:.0} ms", self.name);
        let letters = (width / LETTER) as usize;
        let shown: String = label.chars().take(if letters < 4 { 0 } else { letters - 1 }).collect();
        let _ = writeln!(
            svg,
            "<g><title>{label}</title><rect x=\"{left:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" fill=\"hsl({hue} 60% 75%)\" \
             stroke=\"white\"/><text x=\"{:.1}\" y=\"{}\">{shown}</text></g>",
            ROW - 1.0,
            left + 3.0,
            y + 15.0,
        );
        let mut left = left;
        for child in &self.children {
            child.draw(svg, left, row + 1, scale);
            left += child.time.as_secs_f64() * 1e3 * scale;
        }
    }
}

/// An SVG of the operations in named calls.
pub fn draw<'a>(calls: impl Iterator<Item = (&'static str, &'a [Record])>) -> String {
    let mut root = Node { name: "all", ..Node::default() };
    for (call, records) in calls {
        for record in records {
            let path: Vec<_> = std::iter::once(call)
                .chain(record.layers.iter().copied())
                .chain([record.kernel])
                .collect();
            root.add(&path, record.time);
        }
    }
    let height = root.depth() as f64 * ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n"
    );
    let scale = WIDTH / (root.time.as_secs_f64() * 1e3).max(1e-9);
    root.draw(&mut svg, 0.0, 0, scale);
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use aims_web::ops::profile::Cost;

    use super::*;

    #[test]
    fn bars_are_as_wide_as_their_share() {
        let record = |layer, ms| Record {
            layers: vec![layer],
            kernel: "linear",
            cost: Cost::default(),
            memory: Default::default(),
            time: Duration::from_millis(ms),
        };
        let svg = draw([("one", &[record("a", 10), record("b", 30)][..])].into_iter());
        let widths = |name: &str| {
            let bar = svg
                .split("<g>")
                .find(|bar| bar.contains(&format!("<title>{name} ")))
                .expect("drawn");
            bar.split("width=\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
        };
        assert_eq!(widths("one").as_deref(), Some("1200.0"));
        assert_eq!(
            (widths("a").as_deref(), widths("b").as_deref()),
            (Some("300.0"), Some("900.0"))
        );
    }
}
