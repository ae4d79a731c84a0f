package main

import (
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const fadviseDontNeed = 4

func declareEvict(flags *flag.FlagSet) func(context.Context, common) (any, error) {
	dir := flags.String("dir", "", "folder of the data")
	topic := flags.String("topic", "", "only folders whose names begin so")
	keep := flags.Bool("keep", false, "sync only")
	return func(context.Context, common) (any, error) {
		bytes := int64(0)
		err := filepath.WalkDir(*dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() || !strings.HasPrefix(filepath.Base(filepath.Dir(path)), *topic) {
				// A file that the broker deleted meanwhile is no matter.
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				return err
			}
			size, err := evict(path, *keep)
			bytes += size
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		return map[string]int64{"bytes": bytes}, err
	}
}

// Dirty pages stay where they are, so the file is synced first. Pages of a file that is mapped stay too.
func evict(path string, keep bool) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if err := file.Sync(); err != nil || keep {
		return info.Size(), err
	}
	_, _, code := syscall.Syscall6(syscall.SYS_FADVISE64, file.Fd(), 0, 0, fadviseDontNeed, 0, 0)
	if code != 0 {
		return 0, code
	}
	return info.Size(), nil
}
