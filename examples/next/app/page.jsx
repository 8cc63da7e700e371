import { Photo } from './photo.jsx';

export default function Page() {
  return <Photo />;
}
