using System.Runtime.InteropServices;

namespace MLflow.Server.Storage.Rollups;

/// <summary>
/// How often values came, by their size: each bucket goes 2 % further than the one below, so that a value is known to 1 %. Histograms can be added; percentiles of the sum are as exact.
/// </summary>
internal sealed class LogHistogram
{
    /// <summary>What a percentile may differ from that of the values themselves.</summary>
    public const double Error = 0.01;

    private const double Growth = 1.02;

    /// <summary>A nanosecond in milliseconds: nothing that is measured is smaller.</summary>
    private const double Smallest = 1e-6;

    private static readonly double LogGrowth = Math.Log(Growth);

    private readonly Dictionary<int, long> _counts = [];

    public long Count { get; private set; }

    public void Add(double value) => Add(BucketOf(value), 1);

    public void Add(LogHistogram other)
    {
        foreach (var (bucket, count) in other._counts)
        {
            Add(bucket, count);
        }
    }

    /// <summary>Between the two nearest values, as <see cref="Sqlite.PercentileValues"/>; null where there are none.</summary>
    /// <param name="percentile">0 to 100.</param>
    public double? Percentile(double percentile)
    {
        if (Count == 0)
        {
            return null;
        }

        var place = percentile / 100 * (Count - 1);
        var below = (long)place;
        var sorted = Sorted();
        var (left, right) = (ValueAt(sorted, below), ValueAt(sorted, Math.Min(below + 1, Count - 1)));
        return left + ((place - below) * (right - left));
    }

    public void Write(BinaryWriter writer)
    {
        writer.Write7BitEncodedInt(_counts.Count);
        var before = 0;
        foreach (var (bucket, count) in Sorted())
        {
            writer.Write7BitEncodedInt(ZigZag(bucket - before));
            writer.Write7BitEncodedInt64(count);
            before = bucket;
        }
    }

    public static LogHistogram Read(BinaryReader reader)
    {
        var histogram = new LogHistogram();
        var bucket = 0;
        for (var buckets = reader.Read7BitEncodedInt(); buckets > 0; buckets--)
        {
            var step = reader.Read7BitEncodedInt();
            bucket += (step >>> 1) ^ -(step & 1);
            histogram.Add(bucket, reader.Read7BitEncodedInt64());
        }

        return histogram;
    }

    private static int ZigZag(int number) => (number << 1) ^ (number >> 31);

    // Below 0 where clocks went back.
    private static int BucketOf(double value) => value switch
    {
        0 => 0,
        < 0 => -BucketOf(-value),
        _ => Math.Max(1, (int)Math.Ceiling(Math.Log(value / Smallest) / LogGrowth)),
    };

    private static double ValueOf(int bucket) => bucket == 0 ? 0 : Math.Sign(bucket) * Smallest * Math.Pow(Growth, Math.Abs(bucket) - 0.5);

    private void Add(int bucket, long count)
    {
        CollectionsMarshal.GetValueRefOrAddDefault(_counts, bucket, out _) += count;
        Count += count;
    }

    private KeyValuePair<int, long>[] Sorted() => [.. _counts.OrderBy(count => count.Key)];

    private static double ValueAt(KeyValuePair<int, long>[] sorted, long place)
    {
        foreach (var (bucket, count) in sorted)
        {
            place -= count;
            if (place < 0)
            {
                return ValueOf(bucket);
            }
        }

        return 0;
    }
}
