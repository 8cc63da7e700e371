// npm run eval: measures every figure of docs/quality.md, on photos of ../shared/data that were not
// used for training.
// Further arguments go to each command, for example:
// npm run eval -- --model models/aims-tiny-q8.safetensors --limit 4
import { main, run, say } from './lib.mjs';

const RUNS = [
  ['Scenes: entities, relations, outlines', 'eval', ['--sets', 'coco,ade150,cityscapes,camvid']],
  [
    'Parts, in the whole photo and inside true entities',
    'eval',
    ['--sets', 'ccp,carparts,faces,celebamask,facadeparts,fashionista', '--prompted'],
  ],
  ['One click, one box', 'clicks', ['--sets', 'coco,ccp,carparts,faces']],
];

main(() => {
  for (const [what, command, own] of RUNS) {
    say(what);
    run('cargo', [
      'run',
      '--locked',
      '--release',
      '--quiet',
      '--',
      command,
      '--device',
      'cpu',
      ...own,
      ...process.argv.slice(2),
    ]);
  }
});
