// The results of helpers that need no canvas, as plain data. Node and all browsers must agree on
// them.

/** Computes the results for a scene. `aims` is the package, in any build. */
export function resultsOf(aims, scene) {
  const entities = scene.masks.filter(({ level }) => level === 'entity');
  const [a, b, c] = entities;
  return {
    algebra: {
      union: aims.unionMasks(a, b),
      intersection: aims.intersectMasks(a, c),
      rest: aims.subtractMasks(c, a),
      outside: aims.invertMask(a),
      grown: aims.growMask(a, 7.5),
      shrunk: aims.shrinkMask(a, 4),
      smooth: aims.smoothMask(b, 3),
      filled: aims.fillHoles(a, { largest: 500 }),
      islands: aims.dropIslands(c, { smallest: 40 }),
    },
    subject: aims.subjectOf(scene)?.id,
    background: aims.backgroundOf(scene, aims.subjectOf(scene)),
    alpha: sumOf(aims.maskToAlpha(a, { feather: 3, shiftEdge: -1 }).data),
    path: aims.maskToSvgPath(a, { tolerance: 1 }),
    polygons: aims.maskToPolygons(c, { tolerance: 0.5 }),
    geojson: aims.sceneToGeoJson(scene),
    coco: [
      aims.sceneToCoco(scene, { fileName: 'astronaut.jpg' }),
      aims.scenesToCoco([{ scene, fileName: 'a.jpg' }], { segmentation: 'polygons', tolerance: 1 }),
    ],
    graph: [aims.sceneGraph(scene), aims.sceneToDot(scene)],
  };
}

/** Gives a number that depends on each value and its position. */
const sumOf = (values) =>
  values.reduce((sum, value, index) => (sum + value * ((index % 8191) + 1)) % 2147483647, 0);
