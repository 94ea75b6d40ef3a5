using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace MLflow.Fuzz;

/// <summary>Changes inputs of a target again and again, and goes on from those that led where none had been.</summary>
internal sealed class Fuzzer : IDisposable
{
    /// <summary>Processor time and memory that one input of 64 KB may cost.</summary>
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(1);
    private const long MaxAllocated = 512L << 20;

    /// <summary>Inputs kept for a target.</summary>
    private const int MaxCorpus = 20_000;

    private readonly FuzzTarget _target;
    private readonly CoverageMap _map;
    private readonly Random _random;
    private readonly DirectoryInfo _folder;
    private readonly SafeFileHandle _current;
    private readonly byte[] _seen = CoverageMap.NewSeen();
    private readonly List<byte[]> _corpus = [];
    private readonly HashSet<string> _known = [];

    /// <param name="target">What reads.</param>
    /// <param name="map">Where edges are counted.</param>
    /// <param name="seed">Of the changes.</param>
    /// <param name="folder">Keeps the inputs from run to run, and the one that is being tried, in case that the process does not survive it.</param>
    public Fuzzer(FuzzTarget target, CoverageMap map, int seed, DirectoryInfo folder)
    {
        _target = target;
        _map = map;
        _random = new Random(seed);
        _folder = folder.CreateSubdirectory(string.Concat(target.Name.Where(char.IsLetterOrDigit)));
        _current = File.OpenHandle(Path.Combine(_folder.FullName, "current"), FileMode.Create, FileAccess.Write);
        foreach (var input in target.Seeds.Concat(_folder.GetFiles("*.kept").OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => File.ReadAllBytes(file.FullName))).Append([]))
        {
            Try(input, isSeed: true);
        }
    }

    public string Name => _target.Name;

    public long Runs { get; private set; }

    public int Kept => _corpus.Count;

    public int Edges => CoverageMap.Count(_seen);

    public List<FuzzFinding> Findings { get; } = [];

    /// <summary>Tries changed inputs until the time is over.</summary>
    public void Run(TimeSpan time)
    {
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            for (var i = 0; i < 16; i++)
            {
                Try(_target.Mutate(_random, Pick(), Pick()), isSeed: false);
            }
        }
    }

    public void Dispose() => _current.Dispose();

    // What was found last has been changed least.
    private byte[] Pick() => _corpus.Count == 0 ? [] : _corpus[_random.Next(2) == 0 ? _random.Next(_corpus.Count) : _corpus.Count - 1 - _random.Next(Math.Max(1, _corpus.Count / 8))];

    private void Try(byte[] input, bool isSeed)
    {
        Runs++;
        RandomAccess.Write(_current, input, 0);
        RandomAccess.SetLength(_current, input.Length);
        _map.Clear();
        var (allocated, time) = (GC.GetAllocatedBytesForCurrentThread(), Environment.CpuUsage.TotalTime);
        try
        {
            _target.Run(input);
            if (Environment.CpuUsage.TotalTime - time > MaxTime)
            {
                Find(input, string.Create(CultureInfo.InvariantCulture, $"takes {(Environment.CpuUsage.TotalTime - time).TotalSeconds:F1} s for {input.Length} bytes"), "slow");
            }
            else if (GC.GetAllocatedBytesForCurrentThread() - allocated > MaxAllocated)
            {
                Find(input, string.Create(CultureInfo.InvariantCulture, $"takes {(GC.GetAllocatedBytesForCurrentThread() - allocated) >> 20} MB for {input.Length} bytes"), "large");
            }
        }
        catch (Exception e)
        {
            Find(input, $"{e.GetType().Name}: {e.Message}", e.ToString());
        }

        if (_map.AddTo(_seen, _target.IsNoisy) && _corpus.Count < MaxCorpus)
        {
            _corpus.Add(input);
            if (!isSeed)
            {
                File.WriteAllBytes(Path.Combine(_folder.FullName, Name_(input) + ".kept"), input);
            }
        }
    }

    private void Find(byte[] input, string what, string detail)
    {
        // Where it was thrown tells findings apart.
        var place = detail.Split('\n').FirstOrDefault(line => line.Contains("   at MLflow", StringComparison.Ordinal)) ?? detail;
        if (_known.Add(place))
        {
            var file = Path.Combine(_folder.FullName, Name_(input) + ".found");
            File.WriteAllBytes(file, input);
            File.WriteAllText(file + ".txt", what + Environment.NewLine + detail);
            Findings.Add(new FuzzFinding(Name, what, detail));
            Console.Error.WriteLine($"{Name}: {what}\n  {place.Trim()}\n  {file}");
        }
    }

    private static string Name_(byte[] input) => Convert.ToHexStringLower(SHA256.HashData(input).AsSpan(0, 8));
}
