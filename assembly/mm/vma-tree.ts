// The tree of the VMAs of one mm, by address: a weak AVL tree ("Rank-Balanced Trees", Haeupler, Sen and
// Tarjan, 2015), no higher than an AVL tree while only insertions are made, and never higher than a
// red-black one. Its ranks change near a leaf where AVL heights change up to the root, and programs that
// map and unmap the same place again and again are common.
//
//            [ 0x5000 ]  rank 1         rank: a leaf has 0, what is missing -1; a node has one or two
//           /          \                more than each child
//      [ 0x1000 ]   [ 0x9000 ]          maxGap: no hole that ends at the start of a VMA of the subtree
//        prev <-> next                  is larger, so that placement need not look there
//
// A hole that shrinks leaves maxGap above it too large, until a search that finds nothing mends what it
// passed. That is the work of making it right at once, or less: none for who unmaps and maps a place again.
import { Mm } from './mm';
import { Vma } from './vma';

function rankOf(vma: Vma | null): i32 {
  return vma == null ? -1 : vma.rank;
}

function ownGap(vma: Vma): u64 {
  const prev = vma.prev;
  return vma.start - (prev == null ? 0 : prev.end);
}

/** Computes a node's maxGap from what is below. */
export function updateGap(vma: Vma): void {
  const left = vma.left;
  const right = vma.right;
  let gap = ownGap(vma);
  if (left != null) gap = max(gap, left.maxGap);
  if (right != null) gap = max(gap, right.maxGap);
  vma.maxGap = gap;
}

/** The hole below `vma` changed: nodes above it must not say less. */
export function raiseGap(vma: Vma | null): void {
  if (vma == null) return;
  const gap = ownGap(vma);
  let at: Vma | null = vma;
  while (at != null && at.maxGap < gap) {
    at.maxGap = gap;
    at = at.parent;
  }
}

/** Puts `child` in the place of `old` below `parent`, or at the root. */
function replaceChild(mm: Mm, parent: Vma | null, old: Vma, child: Vma | null): void {
  if (parent == null) mm.root = child;
  else if (parent.left == old) parent.left = child;
  else parent.right = child;
  if (child != null) child.parent = parent;
}

/** Turns `vma`, a child of `top`, into its parent; ranks are the caller's. */
function rotateUp(mm: Mm, vma: Vma, top: Vma): void {
  replaceChild(mm, top.parent, top, vma);
  if (top.left == vma) {
    const inner = vma.right;
    top.left = inner;
    if (inner != null) inner.parent = top;
    vma.right = top;
  } else {
    const inner = vma.left;
    top.right = inner;
    if (inner != null) inner.parent = top;
    vma.left = top;
  }
  top.parent = vma;
  vma.maxGap = top.maxGap;
  updateGap(top);
}

/** Mends the ranks after `vma` was hung in as a leaf: it may have the rank of its parent. */
function balanceInsertion(mm: Mm, vma: Vma): void {
  let at = vma;
  let top = at.parent;
  while (top != null && top.rank == at.rank) {
    const left = top.left == at;
    const sibling = left ? top.right : top.left;
    if (top.rank - rankOf(sibling) == 1) {
      top.rank++;
      at = top;
      top = at.parent;
      continue;
    }
    const inner = left ? at.right : at.left;
    if (at.rank - rankOf(inner) == 1) {
      const heir = <Vma>inner;
      rotateUp(mm, heir, at);
      rotateUp(mm, heir, top);
      heir.rank++;
      at.rank--;
    } else {
      rotateUp(mm, at, top);
    }
    top.rank--;
    return;
  }
}

/** One step up after a removal, where `top` has a child three below it; false when nothing is left to do. */
function balanceStep(mm: Mm, top: Vma, left: bool): bool {
  const sibling = <Vma>(left ? top.right : top.left);
  if (top.rank - sibling.rank == 2) {
    top.rank--;
    return true;
  }
  const outer = left ? sibling.right : sibling.left;
  const inner = left ? sibling.left : sibling.right;
  const outerNear = sibling.rank - rankOf(outer) == 1;
  if (!outerNear && sibling.rank - rankOf(inner) == 2) {
    top.rank--;
    sibling.rank--;
    return true;
  }
  if (outerNear) {
    rotateUp(mm, sibling, top);
    sibling.rank++;
    top.rank--;
    if (top.left == null && top.right == null) top.rank = 0;
  } else {
    const heir = <Vma>inner;
    rotateUp(mm, heir, sibling);
    rotateUp(mm, heir, top);
    heir.rank += 2;
    sibling.rank--;
    top.rank -= 2;
  }
  return false;
}

/** Mends the ranks above a place that lost a node: `top` is its parent, `left` the side. */
function balanceRemoval(mm: Mm, parent: Vma | null, side: bool): void {
  let top = parent;
  let left = side;
  while (top != null) {
    const at: Vma = top;
    if (at.left == null && at.right == null) {
      // A leaf has rank 0.
      if (at.rank == 0) return;
      at.rank = 0;
    } else {
      if (at.rank - rankOf(left ? at.left : at.right) < 3) return;
      if (!balanceStep(mm, at, left)) return;
    }
    top = at.parent;
    if (top != null) left = top.left == at;
  }
}

/** Hangs a VMA, whose neighbours are known, where it belongs. */
export function insertInTree(mm: Mm, vma: Vma): void {
  vma.left = null;
  vma.right = null;
  vma.rank = 0;
  const prev = vma.prev;
  const next = vma.next;
  // Of two neighbours one is below the other: the lower one has no child towards the other.
  if (prev != null && prev.right == null) {
    prev.right = vma;
    vma.parent = prev;
  } else if (next != null) {
    next.left = vma;
    vma.parent = next;
  } else {
    mm.root = vma;
    vma.parent = null;
  }
  vma.maxGap = 0;
  raiseGap(vma);
  balanceInsertion(mm, vma);
}

/** Takes a VMA out of the tree, whose neighbours are linked to each other already. */
export function removeFromTree(mm: Mm, vma: Vma): void {
  const left = vma.left;
  const right = vma.right;
  let from: Vma | null = vma.parent;
  let side: bool;
  if (left == null || right == null) {
    side = from != null && from.left == vma;
    replaceChild(mm, from, vma, left == null ? right : left);
  } else {
    // The next VMA takes its place, with what was known of that place.
    const heir = <Vma>vma.next;
    side = heir != right;
    from = heir;
    if (side) {
      from = <Vma>heir.parent;
      replaceChild(mm, from, heir, heir.right);
      heir.right = right;
      right.parent = heir;
    }
    replaceChild(mm, vma.parent, vma, heir);
    heir.left = left;
    left.parent = heir;
    heir.rank = vma.rank;
    heir.maxGap = vma.maxGap;
  }
  raiseGap(vma.next);
  balanceRemoval(mm, from, side);
}
