use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tokio::time::timeout;

use super::WriteQueue;

const PATIENCE: Duration = Duration::from_secs(60);
const BOUND: usize = 100;

/// The number of permits and of written blocks that may wait: more than a test makes.
const BLOCKS: usize = 1000;

fn ignore(_: u64) {}

/// A writer that accepts one block for each permit and passes the block on.
struct Gate {
    permits: Receiver<io::Result<()>>,
    written: SyncSender<Vec<u8>>,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.permits.recv().map_err(|_| io::ErrorKind::BrokenPipe)??;
        self.written.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gated(report: fn(u64)) -> (WriteQueue, SyncSender<io::Result<()>>, Receiver<Vec<u8>>) {
    let ((permit, permits), (written, blocks)) = (sync_channel(BLOCKS), sync_channel(BLOCKS));
    (WriteQueue::new(Gate { permits, written }, BOUND, report), permit, blocks)
}

#[test]
fn offers_beyond_the_bound_are_dropped_and_reported_when_the_reader_reads_again() {
    static REPORTED: AtomicU64 = AtomicU64::new(0);
    let (queue, permit, blocks) = gated(|lines| {
        REPORTED.fetch_add(lines, Ordering::SeqCst);
    });
    let accepted = (0..25).filter(|_| queue.offer_line("123456789")).count();
    assert_eq!(accepted, BOUND / 10);
    assert_eq!(queue.finish(Duration::from_millis(10)), BOUND, "the reader does not read");
    drop((permit.send(Ok(())), permit.send(Ok(()))));
    assert_eq!(queue.finish(PATIENCE), 0);
    let written: usize = blocks.try_iter().map(|block| block.len()).sum();
    assert_eq!(written, BOUND);
    while REPORTED.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(REPORTED.load(Ordering::SeqCst), 15);
    assert!(queue.offer_line("again"));
}

#[tokio::test]
async fn a_put_waits_for_room_and_a_cancelled_put_adds_no_bytes() {
    let (queue, permit, blocks) = gated(ignore);
    queue.put(&[b'a'; BOUND]).await.unwrap();
    assert!(timeout(Duration::from_millis(10), queue.put(b"cancelled")).await.is_err());
    assert!(!queue.is_written());
    permit.send(Ok(())).unwrap();
    timeout(PATIENCE, queue.put(b"second")).await.unwrap().unwrap();
    permit.send(Ok(())).unwrap();
    timeout(PATIENCE, queue.written()).await.unwrap().unwrap();
    assert_eq!(blocks.try_iter().collect::<Vec<_>>(), [vec![b'a'; BOUND], b"second".to_vec()]);
}

#[tokio::test]
async fn bytes_beyond_the_bound_are_accepted_when_the_queue_is_empty() {
    let (queue, permit, _blocks) = gated(ignore);
    queue.put(&[b'a'; 3 * BOUND]).await.unwrap();
    assert!(!queue.offer(b"a"));
    permit.send(Ok(())).unwrap();
    timeout(PATIENCE, queue.written()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_failed_write_is_returned_to_the_waiting_caller_and_to_all_later_ones() {
    let (queue, permit, _blocks) = gated(ignore);
    queue.put(&[b'a'; BOUND]).await.unwrap();
    permit.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
    let failed = timeout(PATIENCE, queue.failed()).await.unwrap();
    assert_eq!(failed.kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(queue.put(b"more").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(queue.written().await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn a_pipe_that_another_process_made_nonblocking_loses_nothing() {
    let (mut reader, writer) = io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let all: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let queue = WriteQueue::new(writer, all.len(), ignore);
    assert!(queue.offer(&all));
    assert_ne!(queue.finish(Duration::from_millis(10)), 0, "a pipe holds fewer bytes");
    drop(queue);
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == all);
}
