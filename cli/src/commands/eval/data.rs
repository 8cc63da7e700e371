//! Sets of labelled photos. `SET.jsonl` has the labels, `SET-relations.jsonl` has relations in some
//! of the photos, and `SET.tar` (or `SET-0.tar`, `SET-1.tar`, ...) has the JPEGs.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use aims_web::mask::Rle;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// The level that people gave a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelLevel {
    Entity,
    Part,
    /// A mask whose level is unknown.
    Region,
    /// A relation, which only files of relations have.
    Relation,
}

/// A mask that a person drew.
#[derive(Clone, Debug, Deserialize)]
pub struct Label {
    /// The level of the mask.
    pub level: LabelLevel,
    /// The pixels of the mask.
    pub rle: Rle,
    /// The entity of a part, as an index among the drawing's labels.
    pub parent: Option<usize>,
    /// The entities of a relation, as indices among the labels of the same line.
    #[serde(default)]
    pub members: Vec<usize>,
    /// The source of a relation, such as `vcoco`.
    pub source: Option<String>,
    /// Whether the outline is only near the true one.
    #[serde(default)]
    pub approx: bool,
    /// Whether several things are marked as one.
    #[serde(default)]
    pub crowd: bool,
}

/// The masks that one person drew on one photo.
pub struct Drawing {
    /// The masks.
    pub labels: Vec<Label>,
    /// Whether nearly every pixel is labelled, so that a predicted mask without a label is wrong.
    pub is_complete: bool,
    /// The pairs of entities that belong together.
    pub relations: Vec<Relation>,
}

/// Two entities that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// The two entities, as indices among the drawing's labels.
    pub members: (usize, usize),
    /// Whether people named the pair. Otherwise a rule found it, by the classes of the entities and
    /// because they touch.
    pub is_named: bool,
}

/// A photo and what people drew on it.
pub struct LabelledImage {
    /// The name of the photo, such as `set/name.jpg`.
    pub name: String,
    /// One drawing for each person.
    pub drawings: Vec<Drawing>,
}

/// The photos of one set and split, in the order of the file.
pub struct Set {
    /// The name of the set.
    pub name: String,
    /// The photos.
    pub images: Vec<LabelledImage>,
    files: HashMap<String, Member>,
}

/// The position of a photo's JPEG in an archive.
struct Member {
    archive: PathBuf,
    offset: u64,
    size: u64,
}

/// A line of `SET.jsonl`, which has the drawing of one person, or a line of `SET-relations.jsonl`,
/// which has copies of some entities and the relations between them.
#[derive(Deserialize)]
struct Record {
    image: String,
    split: String,
    width: u32,
    height: u32,
    scope: Option<String>,
    masks: Vec<Label>,
}

impl Set {
    /// Reads the labels, and finds the JPEGs in the archives.
    ///
    /// At most `limit` photos are taken, spread evenly over the file; if `complete`, only photos
    /// that are labelled completely.
    pub fn open(
        folder: &Path,
        name: &str,
        split: &str,
        complete: bool,
        limit: Option<usize>,
    ) -> Result<Set> {
        let path = folder.join(format!("{name}.jsonl"));
        let file = File::open(&path).with_context(|| {
            format!("cannot read {}; name the folder of the data with --data", path.display())
        })?;
        let mut images: Vec<LabelledImage> = Vec::new();
        let mut told = relations(&folder.join(format!("{name}-relations.jsonl")))?;
        for (line, number) in BufReader::new(file).lines().zip(1..) {
            let at = || format!("{}, line {number}", path.display());
            let record: Record = serde_json::from_str(&line.with_context(at)?).with_context(at)?;
            record.check().with_context(at)?;
            if record.split != split {
                continue;
            }
            let relations = told.remove(&record.image).unwrap_or_default();
            let drawing = Drawing {
                relations: relations
                    .iter()
                    .filter_map(|relation| relation.among(&record.masks))
                    .collect(),
                labels: record.masks,
                is_complete: record.scope.is_some_and(|scope| scope == "panoptic"),
            };
            // The drawings of one photo are on consecutive lines.
            match images.last_mut().filter(|image| image.name == record.image) {
                Some(image) => image.drawings.push(drawing),
                None => images.push(LabelledImage { name: record.image, drawings: vec![drawing] }),
            }
        }
        if complete {
            images.retain(|image| image.drawings.iter().any(|drawing| drawing.is_complete));
        }
        ensure!(!images.is_empty(), "{} has no such photos in the split {split:?}", path.display());
        let images = spread(images, limit);
        Ok(Set { name: name.to_string(), images, files: members(folder, name)? })
    }

    /// Reads the JPEG of a photo.
    pub fn read(&self, image: &str) -> Result<Vec<u8>> {
        let Some(member) = self.files.get(image) else {
            bail!("{image} is in no archive of the set {}", self.name);
        };
        let read = || {
            let mut file = File::open(&member.archive)?;
            file.seek(SeekFrom::Start(member.offset))?;
            let mut bytes = Vec::new();
            file.take(member.size).read_to_end(&mut bytes).map(|_| bytes)
        };
        read().with_context(|| format!("cannot read {image} from {}", member.archive.display()))
    }
}

impl Record {
    fn check(&self) -> Result<()> {
        for (index, label) in self.masks.iter().enumerate() {
            ensure!(
                label.rle.size == [self.height, self.width],
                "mask {index} does not have the photo's size, {} x {}",
                self.width,
                self.height
            );
            ensure!(
                label.parent.is_none_or(|parent| parent < index),
                "mask {index} comes before its parent"
            );
        }
        Ok(())
    }
}

/// A relation whose members are known by their run-length encodings, because the file of relations
/// has copies of only a few of the labels.
struct Told {
    members: Vec<Rle>,
    is_named: bool,
}

impl Told {
    /// The relation between labels of a drawing, or `None` if fewer than two members are among
    /// `labels`. Things that are cut into pieces may have more than two members; the first two then
    /// stand for them.
    fn among(&self, labels: &[Label]) -> Option<Relation> {
        let place = |code: &Rle| labels.iter().position(|label| label.rle == *code);
        let mut members = self.members.iter().filter_map(place);
        Some(Relation { members: (members.next()?, members.next()?), is_named: self.is_named })
    }
}

/// The relations in a file, by photo. The map is empty if there is no file.
fn relations(path: &Path) -> Result<HashMap<String, Vec<Told>>> {
    let mut found = HashMap::new();
    if !path.exists() {
        return Ok(found);
    }
    let file = File::open(path).with_context(|| path.display().to_string())?;
    for line in BufReader::new(file).lines() {
        let record: Record =
            serde_json::from_str(&line?).with_context(|| path.display().to_string())?;
        let code = |&index: &usize| record.masks.get(index).map(|label| label.rle.clone());
        let unions = record.masks.iter().filter(|label| label.level == LabelLevel::Relation);
        let told = unions.map(|label| Told {
            members: label.members.iter().filter_map(code).collect(),
            is_named: label.source.as_deref() == Some("vcoco"),
        });
        found.insert(record.image.clone(), told.collect());
    }
    Ok(found)
}

fn spread<T>(items: Vec<T>, limit: Option<usize>) -> Vec<T> {
    let (count, limit) = (items.len(), limit.unwrap_or(usize::MAX));
    if limit >= count {
        return items;
    }
    // An item is taken if the rounded-down share of the limit steps up there.
    let step = |i: usize| i * limit / count;
    items
        .into_iter()
        .enumerate()
        .filter(|(i, _)| step(*i) < step(i + 1))
        .map(|(_, item)| item)
        .collect()
}

/// The positions of a set's files in its archives, by name.
fn members(folder: &Path, name: &str) -> Result<HashMap<String, Member>> {
    let mut archives = vec![folder.join(format!("{name}.tar"))];
    archives.extend(
        (0..).map(|i| folder.join(format!("{name}-{i}.tar"))).take_while(|path| path.exists()),
    );
    archives.retain(|path| path.exists());
    ensure!(!archives.is_empty(), "{} has no {name}.tar", folder.display());
    let mut members = HashMap::new();
    for archive in archives {
        let context = || format!("cannot read {}", archive.display());
        let file = File::open(&archive).with_context(context)?;
        for entry in tar::Archive::new(file).entries_with_seek().with_context(context)? {
            let entry = entry.with_context(context)?;
            let path = entry.path().with_context(context)?.to_string_lossy().into_owned();
            let member = Member {
                archive: archive.clone(),
                offset: entry.raw_file_position(),
                size: entry.size(),
            };
            members.insert(path, member);
        }
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_takes_items_from_the_whole_list() {
        let take = |limit| spread((0..10).collect::<Vec<_>>(), limit);
        assert_eq!(take(Some(2)), [4, 9]);
        assert_eq!(take(Some(3)), [3, 6, 9]);
        assert_eq!(take(Some(10)).len(), 10);
        assert_eq!(take(Some(99)).len(), 10);
        assert_eq!(take(None).len(), 10);
        assert!(take(Some(0)).is_empty());
    }

    #[test]
    fn records_that_contradict_themselves_are_refused() {
        let check = |masks: &str| {
            let line = format!(
                r#"{{"image":"a/b.jpg","split":"val","width":3,"height":2,"masks":[{masks}]}}"#
            );
            serde_json::from_str::<Record>(&line)
                .map_err(Into::into)
                .and_then(|record| record.check())
        };
        let mask = |size: &str, parent: &str| {
            format!(
                r#"{{"level":"part","rle":{{"size":{size},"counts":"6"}},"parent":{parent},"label":null}}"#
            )
        };
        assert!(check(&mask("[2,3]", "null")).is_ok());
        assert!(check(&mask("[3,2]", "null")).is_err());
        assert!(check(&mask("[2,3]", "0")).is_err());
        assert!(check("{}").is_err());
    }
}
