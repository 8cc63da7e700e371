//! Writes all scenes as one COCO data set, which has the structure of `scenesToCoco` in the npm
//! package.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use aims_web::levels::{Level, Mask, Scene};
use aims_web::mask::{BBox, Rle};
use anyhow::Result;
use serde::Serialize;

use super::files::write_whole;
use super::scenes::{PhotoScene, Scenes};

#[derive(Serialize)]
struct Image {
    id: u32,
    width: u32,
    height: u32,
    file_name: String,
}

#[derive(Serialize)]
struct Annotation {
    id: u32,
    image_id: u32,
    category_id: u32,
    segmentation: Rle,
    area: u32,
    bbox: BBox,
    iscrowd: u8,
    score: f32,
    parent: Option<u32>,
    members: Vec<u32>,
}

#[derive(Serialize)]
struct Category {
    id: u32,
    name: &'static str,
    supercategory: &'static str,
}

/// Writes the file. Scenes are read one after the other, because there may be more of them than fit
/// in memory.
pub fn write(path: &Path, scenes: &Scenes) -> Result<()> {
    write_whole(path, |file| {
        write!(file, "{{\"images\":")?;
        write_list(file, scenes.read()?.zip(1..).map(|(entry, id)| Ok(image(entry?, id))))?;
        write!(file, ",\"annotations\":")?;
        write_list(file, annotations(scenes)?)?;
        write!(file, ",\"categories\":{}}}", serde_json::to_string(&categories())?)?;
        Ok(())
    })
}

fn write_list<T: Serialize>(
    file: &mut impl Write,
    items: impl Iterator<Item = Result<T>>,
) -> Result<()> {
    write!(file, "[")?;
    for (index, item) in items.enumerate() {
        if index > 0 {
            write!(file, ",")?;
        }
        serde_json::to_writer(&mut *file, &item?)?;
    }
    Ok(write!(file, "]")?)
}

fn image(PhotoScene { photo, scene }: PhotoScene, id: u32) -> Image {
    Image { id, width: scene.width, height: scene.height, file_name: photo }
}

fn annotations(scenes: &Scenes) -> Result<impl Iterator<Item = Result<Annotation>>> {
    let mut before = 0;
    let of_photo = move |(entry, image_id): (Result<PhotoScene>, u32)| match entry {
        Ok(PhotoScene { scene, .. }) => {
            let list = annotate(scene, image_id, before);
            before += list.len() as u32;
            list.into_iter().map(Ok).collect()
        }
        Err(error) => vec![Err(error)],
    };
    Ok(scenes.read()?.zip(1..).flat_map(of_photo))
}

/// The annotations of a photo, which follow `before` others in the file. Links to masks that are
/// not in the scene are left out.
fn annotate(scene: Scene, image_id: u32, before: u32) -> Vec<Annotation> {
    let ids: HashMap<u32, u32> =
        scene.masks.iter().zip(before + 1..).map(|(mask, id)| (mask.id, id)).collect();
    let id_of = |mask: &u32| ids.get(mask).copied();
    let annotate = |(mask, id): (Mask, u32)| Annotation {
        id,
        image_id,
        category_id: category(mask.level),
        segmentation: mask.rle,
        area: mask.area,
        bbox: mask.bbox,
        iscrowd: 0,
        score: mask.score,
        parent: mask.parent.as_ref().and_then(id_of),
        members: mask.members.iter().filter_map(id_of).collect(),
    };
    scene.masks.into_iter().zip(before + 1..).map(annotate).collect()
}

fn category(level: Level) -> u32 {
    match level {
        Level::Part => 1,
        Level::Entity => 2,
        Level::Relation => 3,
    }
}

fn categories() -> [Category; 3] {
    let category = |id, name| Category { id, name, supercategory: "level" };
    [category(1, "part"), category(2, "entity"), category(3, "relation")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_as_the_npm_package_makes_it() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::copy(data.join("scenes.jsonl"), folder.path().join("scenes.jsonl"))
            .expect("a copy");
        let file = folder.path().join("coco/all.json");
        write(&file, &Scenes::open(folder.path()).expect("a file of scenes"))
            .expect("it can be written");
        let read = |path: &Path| std::fs::read_to_string(path).expect("a file");
        assert_eq!(read(&file), read(&data.join("scenes_coco.json")).trim_end());
    }
}
