// Package bench measures go-libp2p's resource manager. The operations are those of
// ../operations, with the same names of protocols and services: what they take is compared
// with what `node bench/mean.ts` says of ours.
//
// It is for a checkout of go-libp2p:
//
//	mkdir p2p/host/resource-manager/bench
//	cp rcmgr_bench_test.go p2p/host/resource-manager/bench/
//	go test ./p2p/host/resource-manager/bench -bench . -cpu 1
package bench

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/x/rate"
	"github.com/multiformats/go-multiaddr"
)

const messageSize = 4096

var peers []peer.ID

func init() {
	for i := 0; i < 10_000; i++ {
		_, pub, err := crypto.GenerateEd25519Key(rand.Reader)
		must(err)
		id, err := peer.IDFromPublicKey(pub)
		must(err)
		peers = append(peers, id)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func unlimited() rcmgr.Limiter { return rcmgr.NewFixedLimiter(rcmgr.InfiniteLimits) }

// The defaults for this machine, with counts that are checked and never reached
func limited() rcmgr.Limiter {
	return rcmgr.NewFixedLimiter(rcmgr.PartialLimitConfig{
		System:          rcmgr.ResourceLimits{Streams: 1e6, StreamsInbound: 1e6, Conns: 1e6, ConnsInbound: 1e6, FD: 1e6},
		ServiceDefault:  rcmgr.ResourceLimits{Streams: 1e6, StreamsInbound: 1e6},
		ProtocolDefault: rcmgr.ResourceLimits{Streams: 1e6, StreamsInbound: 1e6},
	}.Build(rcmgr.DefaultLimits.AutoScale()))
}

func full() rcmgr.Limiter {
	return rcmgr.NewFixedLimiter(rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{StreamsInbound: rcmgr.BlockAllLimit, ConnsInbound: rcmgr.BlockAllLimit},
	}.Build(rcmgr.DefaultLimits.AutoScale()))
}

// Without reporting: no trace, no metrics
func quiet(b *testing.B, l rcmgr.Limiter, opts ...rcmgr.Option) network.ResourceManager {
	return manager(b, l, append(opts, rcmgr.WithMetricsDisabled())...)
}

func manager(b *testing.B, l rcmgr.Limiter, opts ...rcmgr.Option) network.ResourceManager {
	m, err := rcmgr.NewResourceManager(l, opts...)
	must(err)
	b.Cleanup(func() { m.Close() })
	return m
}

func openStream(m network.ResourceManager, p peer.ID, proto protocol.ID, svc string) network.StreamManagementScope {
	s, err := m.OpenStream(p, network.DirInbound)
	must(err)
	must(s.SetProtocol(proto))
	must(s.SetService(svc))
	return s
}

// All peers have a connection and three streams
func populate(m network.ResourceManager, peers []peer.ID) {
	for _, p := range peers {
		c, err := openConnNoIP(m)
		must(err)
		must(c.SetPeer(p))
		for i := 0; i < 3; i++ {
			openStream(m, p, protocol.ID(fmt.Sprintf("/bench/%d", i)), fmt.Sprintf("bench-%d", i))
		}
	}
}

func streamLife(b *testing.B, m network.ResourceManager, peers []peer.ID) {
	populate(m, peers)
	next := 0
	defer measure(b)()
	for i := 0; i < b.N; i++ {
		if next++; next == len(peers) {
			next = 0
		}
		openStream(m, peers[next], "/bench/1", "bench-1").Done()
	}
}

func BenchmarkStreamLife1PeerUnlimited(b *testing.B) {
	streamLife(b, quiet(b, unlimited(), noRates()...), peers[:1])
}
func BenchmarkStreamLife1PeerLimited(b *testing.B) {
	streamLife(b, quiet(b, limited(), noRates()...), peers[:1])
}
func BenchmarkStreamLife10000PeersUnlimited(b *testing.B) {
	streamLife(b, quiet(b, unlimited(), noRates()...), peers)
}
func BenchmarkStreamLife10000PeersLimited(b *testing.B) {
	streamLife(b, quiet(b, limited(), noRates()...), peers)
}

// What NewResourceManager does when it is not told otherwise: every event goes to StatsTraceReporter
func BenchmarkStreamLifeDefaultMetrics(b *testing.B) {
	streamLife(b, manager(b, limited(), noRates()...), peers[:1])
}

func BenchmarkConnectionLifeNoAddress(b *testing.B) {
	m := quiet(b, limited(), noRates()...)
	defer measure(b)()
	for i := 0; i < b.N; i++ {
		c, err := openConnNoIP(m)
		must(err)
		must(c.SetPeer(peers[0]))
		c.Done()
	}
}

func BenchmarkReserveRelease(b *testing.B) {
	s := openStream(quiet(b, limited()), peers[0], "/bench/1.0.0", "bench")
	defer measure(b)()
	for i := 0; i < b.N; i++ {
		must(s.ReserveMemory(messageSize, network.ReservationPriorityAlways))
		s.ReleaseMemory(messageSize)
	}
}

func BenchmarkSpan(b *testing.B) {
	s := openStream(quiet(b, limited()), peers[0], "/bench/1.0.0", "bench")
	defer measure(b)()
	for i := 0; i < b.N; i++ {
		span, err := s.BeginSpan()
		must(err)
		must(span.ReserveMemory(messageSize, network.ReservationPriorityAlways))
		span.Done()
	}
}

func BenchmarkRefusedStream(b *testing.B) {
	m := quiet(b, full())
	if _, err := m.OpenStream(peers[0], network.DirInbound); !errors.Is(err, network.ErrResourceLimitExceeded) {
		b.Fatal("not refused: ", err)
	}
	defer measure(b)()
	for i := 0; i < b.N; i++ {
		if _, err := m.OpenStream(peers[0], network.DirInbound); err == nil {
			b.Fatal("not refused")
		}
	}
}

// Without this, connections without an address are refused after the 16th: all of them
// are counted for the IPv6 subnet of the invalid address.
func noRates() []rcmgr.Option { return []rcmgr.Option{rcmgr.WithConnRateLimiters(&rate.Limiter{})} }

func openConnNoIP(m network.ResourceManager) (network.ConnManagementScope, error) {
	return m.OpenConnection(network.DirInbound, true, nil)
}

// The default subnets and rates, with bursts and counts that are never exceeded
func rates() []rcmgr.Option {
	return []rcmgr.Option{
		rcmgr.WithConnRateLimiters(&rate.Limiter{
			SubnetRateLimiter: rate.SubnetLimiter{
				IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: rate.Limit{RPS: 0.2, Burst: 1e9}}},
				IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: rate.Limit{RPS: 0.2, Burst: 1e9}}, {PrefixLength: 48, Limit: rate.Limit{RPS: 0.5, Burst: 1e9}}},
				GracePeriod:      time.Minute,
			},
		}),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: math.MaxInt32}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: math.MaxInt32}, {PrefixLength: 48, ConnCount: math.MaxInt32}}),
	}
}

func connectionLife(b *testing.B, m network.ResourceManager, address string) {
	endpoint := multiaddr.StringCast(address)
	defer measure(b)()
	for i := 0; i < b.N; i++ {
		c, err := m.OpenConnection(network.DirInbound, true, endpoint)
		must(err)
		must(c.SetPeer(peers[0]))
		c.Done()
	}
}

func BenchmarkConnectionLifeIPv4Subnet(b *testing.B) {
	connectionLife(b, quiet(b, limited(), rates()...), "/ip4/192.0.2.1/tcp/4001")
}
func BenchmarkConnectionLifeIPv6Subnet(b *testing.B) {
	connectionLife(b, quiet(b, limited(), rates()...), "/ip6/2001:db8::1/tcp/4001")
}

// All defaults: unlimited for the prefix 127.0.0.0/8
func BenchmarkConnectionLifeIPv4Loopback(b *testing.B) {
	connectionLife(b, quiet(b, limited()), "/ip4/127.0.0.1/tcp/4001")
}

// Time of all the process's threads, collection of garbage included: other jobs on the
// machine add to the wall's time, and hardly to this
func cpuTime() int64 {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}

func measure(b *testing.B) func() {
	b.ReportAllocs()
	b.ResetTimer()
	start := cpuTime()
	return func() {
		b.StopTimer()
		b.ReportMetric(float64(cpuTime()-start)/float64(b.N), "cpu-ns/op")
	}
}
