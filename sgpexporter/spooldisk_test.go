package sgpexporter_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

var spoolModes = []sgpexporter.SpoolMode{sgpexporter.SpoolOnFailure, sgpexporter.SpoolAlways}

// diskFaults break a disk, and return what mends it.
var diskFaults = map[string]func(*sgpexporter.Disk) func(){
	"full":      func(d *sgpexporter.Disk) func() { d.Fail(syscall.ENOSPC); return func() { d.Fail(nil) } },
	"read-only": func(d *sgpexporter.Disk) func() { d.Fail(syscall.EROFS); return func() { d.Fail(nil) } },
	"slow":      func(d *sgpexporter.Disk) func() { d.Slow(3 * time.Second); return func() { d.Slow(0) } },
	"hangs":     func(d *sgpexporter.Disk) func() { return d.Hang() },
}

// While the disk fails everything is delivered from memory, OnEnd waits for nothing, it is reported once and
// counted; and when the disk is well again the spool is in use again.
func TestSpoolOnADiskThatFails(t *testing.T) {
	for name, fault := range diskFaults {
		for _, mode := range spoolModes {
			t.Run(name+", "+mode.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					reports := sgpexporter.Handled(t)
					disk := new(sgpexporter.Disk)
					srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()},
						sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(mode), sgpexporter.WithDisk(disk))
					proc := asyncprocessor.New(exp, asyncprocessor.WithUnfinishedSpans(false))
					n := 0
					work := func(seconds int) {
						for range seconds * 10 {
							begin := time.Now()
							n++
							proc.OnEnd(ofTrace(n, "a span"))
							assert.Equal(t, begin, time.Now(), "OnEnd does not wait")
							time.Sleep(100 * time.Millisecond)
						}
					}
					work(5)
					reports.Forget() // of plain HTTP
					mend := fault(disk)
					work(60)
					if mode == sgpexporter.SpoolOnFailure {
						// Nothing is written while all is well. Now the disk is asked for.
						assert.Error(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 1, inTrace(200))}))
					}
					time.Sleep(5 * time.Second)
					assert.Len(t, srv.Spans(), 650, "all are delivered meanwhile")
					require.NotEmpty(t, reports.All())
					assert.Len(t, reports.All(), 1, "%v", reports.All())
					assert.NotZero(t, exp.Stats().Spool.Failures)

					mend()
					time.Sleep(10 * time.Second)
					stored := exp.Stats().Spool.Stored
					require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 2, inTrace(201))}))
					work(1)
					time.Sleep(10 * time.Second)
					assert.Greater(t, exp.Stats().Spool.Stored, stored)
					assert.Zero(t, exp.Stats().Spool.Items)
					assert.Len(t, srv.Spans(), 661)
					require.NoError(t, proc.Shutdown(t.Context()))
					assert.Equal(t, uint64(n), proc.Stats().Exported)
					assert.Zero(t, proc.Stats().Dropped)
					synctest.Wait()
				})
			})
		}
	}
}

// A spool that is full of what is to be delivered drops none of it for what runs, and says nothing of it.
func TestFullSpoolDropsNothingForWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := sgpexporter.Handled(t)
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()},
			sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMaxBytes(1<<20))
		isDown(srv)
		for n := 1; exp.Stats().Spool.Dropped["spool_full"] == 0; n++ {
			require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, n)}))
		}
		before := exp.Stats().Spool
		reports.Forget()
		for n := range 10 {
			var starts []asyncprocessor.Snapshot
			for i := range 100 {
				starts = append(starts, snapshot(start, 1+100*n+i, inTrace(2)))
			}
			require.Error(t, exp.ExportSnapshots(t.Context(), starts))
		}
		assert.Equal(t, before.Items, exp.Stats().Spool.Items)
		assert.Equal(t, before.Dropped, exp.Stats().Spool.Dropped)
		assert.Zero(t, exp.Stats().Spool.Failures)
		for _, err := range reports.All() {
			assert.NotContains(t, err.Error(), "full")
		}
		srv.SetFault(nil)
		time.Sleep(time.Minute)
	})
}

// What goes to disk is not cut in the small pieces in which it is sent after large requests have failed: each would cost
// an fsync.
func TestSpoolWritesWholeBatches(t *testing.T) {
	for _, mode := range spoolModes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				disk := new(sgpexporter.Disk)
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()},
					sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(mode), sgpexporter.WithDisk(disk))
				srv.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.ResetConnection() })
				var batch []asyncprocessor.Snapshot
				for n := range 64 { // 0.6 MB
					batch = append(batch, asyncprocessor.Snapshot{Phase: end, Span: withPrompt(n)})
				}
				for range 10 {
					_ = exp.ExportSnapshots(t.Context(), batch) // or it goes to disk at once
					time.Sleep(20 * time.Second)
				}
				before := disk.Writes()
				require.NoError(t, exp.KeepSnapshots(t.Context(), batch))
				assert.Less(t, disk.Writes()-before, 6)
				before = disk.Writes()
				if mode == sgpexporter.SpoolAlways {
					require.NoError(t, exp.ExportSnapshots(t.Context(), batch))
					assert.Less(t, disk.Writes()-before, 6)
				}
				srv.SetFault(nil)
				time.Sleep(time.Minute)
				assert.Zero(t, exp.Stats().Spool.Items)
			})
		})
	}
}

// The disk fails while SGP is away, and some spans are in the spool: what memory has room for waits there, and
// no trace is delivered out of order.
func TestSpoolOnADiskThatFailsInAnOutage(t *testing.T) {
	for name, fault := range diskFaults {
		for _, mode := range spoolModes {
			t.Run(name+", "+mode.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sgpexporter.Handled(t)
					disk := new(sgpexporter.Disk)
					srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()},
						sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(mode), sgpexporter.WithDisk(disk))
					proc := asyncprocessor.New(exp, asyncprocessor.WithUnfinishedSpans(false))
					isDown(srv)
					require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(start, 1)}))
					mend := fault(disk)
					for n := range 100 {
						proc.OnEnd(ofTrace(n+1000, "a span"))
					}
					proc.OnEnd(span(1)) // its START is in the spool
					time.Sleep(time.Minute)
					assert.Zero(t, proc.Stats().Dropped)
					srv.SetFault(nil)
					time.Sleep(time.Minute)
					mend()
					time.Sleep(time.Minute)
					assert.Len(t, srv.Spans(), 101)
					require.NoError(t, proc.Shutdown(t.Context()))
					assert.Equal(t, uint64(101), proc.Stats().Exported)
					writes := srv.Writes()
					require.NotEmpty(t, writes)
					require.NoError(t, srv.CheckOrder())
					synctest.Wait()
				})
			})
		}
	}
}

// What could not go behind others of its trace, on a disk that fails, holds up what follows of the trace in the same
// call, though the spool has delivered those others meanwhile.
func TestSpoolOnADiskThatFailsKeepsTheOrderWithinACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sgpexporter.Handled(t)
		disk := new(sgpexporter.Disk)
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithMaxRequestItems(1),
			sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(sgpexporter.SpoolAlways), sgpexporter.WithDisk(disk))
		isDown(srv)
		require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(start, 1)}))
		disk.Fail(syscall.ENOSPC)
		srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
			if r.Items[0].Name == "span 2" {
				srv.SetFault(nil) // SGP is back, and the START is delivered while this waits
				return sgptest.Latency(8 * time.Second)
			}
			return sgptest.Status(503)
		})
		err := exp.ExportSnapshots(t.Context(), []asyncprocessor.Snapshot{
			snapshot(asyncprocessor.PhaseUpdate, 1), snapshot(end, 2, inTrace(2)), snapshot(end, 1),
		})
		assert.ElementsMatch(t, []string{"span 1", "span 2"}, writtenNames(srv))
		assert.Zero(t, exp.Stats().Spool.Items)
		failed := lost(t, err)
		assert.Equal(t, []int{0, 2}, failed.Undelivered, "the END stays behind the update")
		assert.True(t, failed.Retryable)
		synctest.Wait()
	})
}

// A START whose delivery could not be noted, on a full disk, and whose END went without the disk, is not sent again
// by the next process: SGP says that the span has ended.
func TestSpoolDoesNotRepeatTheStartOfASpanThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sgpexporter.Handled(t)
		disk, dir := new(sgpexporter.Disk), t.TempDir()
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithSpool(dir), sgpexporter.WithDisk(disk))
		isDown(srv)
		require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{
			snapshot(start, 1), snapshot(asyncprocessor.PhaseUpdate, 1), snapshot(start, 2),
		}))
		disk.Fail(syscall.ENOSPC)
		srv.SetFault(nil)
		time.Sleep(time.Minute)
		require.NoError(t, exp.ExportSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 1)}))

		next := another(t, srv, spoolOf(t, dir), sgpexporter.SpoolOnFailure)
		time.Sleep(time.Minute)
		assert.Zero(t, next.Stats().Spool.Items)
		assert.Zero(t, next.Stats().Spool.Running)
		assert.Equal(t, uint64(1), next.Stats().Spool.Unfinished)
		require.NoError(t, srv.CheckOrder())
		statuses := map[string]string{}
		for _, s := range srv.Spans() {
			statuses[s.Name] = s.Status
		}
		assert.Equal(t, map[string]string{"span 1": "SUCCESS", "span 2": "CANCELED"}, statuses)
		synctest.Wait()
	})
}

// A disk that hangs for ever does not hold up the end of the process.
func TestSpoolShutdownOnADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sgpexporter.Handled(t)
		disk := new(sgpexporter.Disk)
		srv := sgptest.NewServer(sgptest.WithInMemoryNetwork())
		defer srv.Close()
		exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(srv.Client()),
			sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(sgpexporter.SpoolAlways), sgpexporter.WithDisk(disk))
		require.NoError(t, err)
		proc := asyncprocessor.New(exp)
		release := disk.Hang()
		for n := range 100 {
			proc.OnEnd(ofTrace(n, "a span"))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begin := time.Now()
		err = proc.Shutdown(ctx)
		assert.ErrorContains(t, err, "did not close in time")
		assert.LessOrEqual(t, time.Since(begin), 6*time.Second)
		assert.Len(t, srv.Spans(), 100)
		assert.Equal(t, uint64(100), proc.Stats().Exported)
		release()
		synctest.Wait()
	})
}

// A file system that is full: a real one where the system lets this process mount it, and one that says so
// everywhere.
func TestSpoolOnAFullFileSystem(t *testing.T) {
	kinds := map[string]func(t *testing.T) (dir string, disk *sgpexporter.Disk, fill, empty func()){
		"injected": func(t *testing.T) (string, *sgpexporter.Disk, func(), func()) {
			disk := new(sgpexporter.Disk)
			return t.TempDir(), disk, func() { disk.Fail(syscall.ENOSPC) }, func() { disk.Fail(nil) }
		},
	}
	if dir, ok := mountSmall(t); ok {
		kinds["real"] = func(t *testing.T) (string, *sgpexporter.Disk, func(), func()) {
			ballast := filepath.Join(dir, "ballast")
			fill := func() {
				err := os.WriteFile(ballast, make([]byte, 64<<20), 0o600)
				require.ErrorIs(t, err, syscall.ENOSPC)
			}
			return dir, new(sgpexporter.Disk), fill, func() { require.NoError(t, os.Remove(ballast)) }
		}
	} else {
		t.Log("no file system can be mounted here: the injected one alone")
	}
	for name, kind := range kinds {
		for _, mode := range spoolModes {
			t.Run(name+", "+mode.String(), func(t *testing.T) {
				reports := sgpexporter.Handled(t)
				dir, disk, fill, empty := kind(t)
				dir = filepath.Join(dir, strings.ReplaceAll(mode.String(), " ", "-"))
				srv, exp := newExporter(t, nil, sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(mode), sgpexporter.WithDisk(disk))
				isDown(srv)
				require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 1, inTrace(1))}))
				fill()
				var failed *asyncprocessor.ExportError
				for n := 2; failed == nil; n++ { // the last page has some room
					require.Less(t, n, 1000)
					if err := exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, n, inTrace(byte(n)))}); err != nil {
						failed = lost(t, err)
						assert.ErrorIs(t, failed, syscall.ENOSPC)
						assert.True(t, failed.Retryable)
					}
				}
				eventually(t, "it is reported, once", func() bool {
					told := 0
					for _, err := range reports.All() {
						if errors.Is(err, syscall.ENOSPC) {
							told++
						}
					}
					return told == 1
				})
				srv.SetFault(nil)
				require.NoError(t, exp.ExportSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 1, inTrace(254))}), "without the disk")

				empty()
				require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 1, inTrace(255))}))
				eventually(t, "all that was kept is delivered", func() bool { return exp.Stats().Spool.Items == 0 })
				stats := exp.Stats().Spool
				assert.Equal(t, stats.Stored, stats.Delivered)
				assert.Empty(t, stats.Dropped)
			})
		}
	}
}

// What is secret is not on disk, in neither mode.
func TestSpoolHasNoKeys(t *testing.T) {
	for _, mode := range spoolModes {
		dir := t.TempDir()
		srv, exp := newExporter(t, nil, sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(mode),
			sgpexporter.WithHeaders(map[string]string{"X-Gateway": headerSecret}))
		isDown(srv)
		require.NoError(t, exp.KeepSnapshots(t.Context(), ends(3)))
		files := 0
		require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			files++
			content, err := os.ReadFile(path)
			showsNothing(t, string(content))
			return err
		}))
		assert.Equal(t, 2, files, "a lock and a segment")
		srv.SetFault(nil)
		eventually(t, "the spool is empty", func() bool { return exp.Stats().Spool.Items == 0 })
	}
}
