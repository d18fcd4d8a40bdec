/** A picture that stands for a photograph: a head and shoulders in one hue, as a `data:` URL. */
export function portrait(hue: number): string {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 128;
  const context = canvas.getContext('2d');
  if (!context) return '';
  const ground = context.createLinearGradient(0, 0, 0, 128);
  ground.addColorStop(0, `hsl(${hue} 30% 82%)`);
  ground.addColorStop(1, `hsl(${hue} 35% 62%)`);
  context.fillStyle = ground;
  context.fillRect(0, 0, 128, 128);
  context.fillStyle = `hsl(${hue} 45% 30%)`;
  context.beginPath();
  context.arc(64, 52, 24, 0, 2 * Math.PI);
  context.ellipse(64, 124, 46, 40, 0, 0, 2 * Math.PI);
  context.fill();
  return canvas.toDataURL('image/png');
}
