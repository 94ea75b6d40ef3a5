using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Xunit;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>
/// Every recorded exchange, sent again while it is traced, by the real OpenAI package wherever that has a method: the program gets the recorded bytes, and
/// the stored trace has the recorded request, response, usage and chunks.
/// </summary>
[Collection("tracked process")]
public sealed class RecordingsReplayTests(TrackedProcess tracked)
{
    private readonly ConcurrentDictionary<string, string> _packageFailures = new();

    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task Recordings_SentAgain_AreStoredAsRecorded()
    {
        var recordings = Load();
        await using var endpoint = await ReplayEndpoint.StartAsync(recordings);
        var client = new ReplayClient(endpoint);
        var replayed = new ConcurrentBag<(Recording Recording, string TraceId)>();
        var differences = new ConcurrentBag<ExchangeDifference>();
        using (CaptureWhole())
        {
            await Parallel.ForEachAsync(recordings.Select((recording, i) => (recording, i)), Token, async (item, token) =>
            {
                using var root = Mlflow.StartSpan(item.recording.Id);
                var received = await client.SendAsync(item.recording, isAsync: item.i % 2 == 0, token);
                if (!received.AsSpan().SequenceEqual(item.recording.ResponseBody))
                {
                    differences.Add(new ExchangeDifference(item.recording, "bytes", $"{item.recording.ResponseBody.Length}", $"{received.Length}"));
                }

                var sent = endpoint.Received[item.recording.Id].Body;
                if (!sent.AsSpan().SequenceEqual(item.recording.RequestBody ?? []))
                {
                    differences.Add(new ExchangeDifference(item.recording, "sent bytes", $"{item.recording.RequestBody?.Length}", $"{sent.Length}"));
                }

                replayed.Add((item.recording, root.TraceId));
            });
            await CompareAsync(replayed, differences, (recording, trace) => ExchangeCheck.Compare(recording, trace));
        }

        Assert.Empty(client.WrongPaths);
        Report($"protocol methods ({client.SentByPackage.Count} by the OpenAI package)", isTyped: false, recordings, differences);
    }

    [Fact]
    public async Task RecordedStreams_ReadByTypedMethods_AreStoredAsRecorded()
    {
        var recordings = Load().Where(recording => recording is { IsEventStream: true, Status: < 400 } && TypedStreams.Operations.Contains(recording.Operation)).ToList();
        await using var endpoint = await ReplayEndpoint.StartAsync(recordings);
        var client = new ReplayClient(endpoint);
        var replayed = new ConcurrentBag<(Recording Recording, string TraceId)>();
        var differences = new ConcurrentBag<ExchangeDifference>();
        using (CaptureWhole())
        {
            await Parallel.ForEachAsync(recordings.Select((recording, i) => (recording, i)), Token, async (item, token) =>
            {
                using var root = Mlflow.StartSpan(item.recording.Id);
                try
                {
                    await TypedStreams.ReadAsync(client.PackageClient(item.recording), item.recording, isAsync: item.i % 2 == 0, token);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    // What compatible servers send is not always what the package understands; what was read until then is recorded all the same.
                    _packageFailures[item.recording.Id] = $"{e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}";
                }

                replayed.Add((item.recording, root.TraceId));
            });
            await CompareAsync(replayed, differences, (recording, trace) => ExchangeCheck.Compare(recording, trace, endpoint.Received[recording.Id]));
            differences = [.. differences.Select(difference => difference with { IsCutByPackage = _packageFailures.ContainsKey(difference.Recording.Id) })];
        }

        Report("typed streaming methods", isTyped: true, recordings, differences);
    }

    [Fact]
    public async Task RecordedSpeech_Previewed_KeepsABeginningAndSaysWhatThereWas()
    {
        var recordings = Load().Where(recording => recording is { Api: "audio.speech", BodyKind: "base64", Provider: "openai" }).ToList();
        await using var endpoint = await ReplayEndpoint.StartAsync(recordings);
        var client = new ReplayClient(endpoint);
        foreach (var recording in recordings)
        {
            using var root = Mlflow.StartSpan(recording.Id);
            Assert.Equal(recording.ResponseBody, await client.SendAsync(recording, isAsync: true, Token));
            root.End();
            await Mlflow.FlushAsync(Token);

            var call = (await tracked.GetTraceAsync(root.TraceId, Token))!.Call!;
            var whole = MediaReference.Content(recording.ResponseBody, recording.ContentType);
            var output = call.Attributes["mlflow.spanOutputs"]!;
            Assert.Equal((string?)whole["sha256"], (string?)output["sha256"]);
            Assert.Equal(recording.ResponseBody.Length, (int?)output["size_bytes"]);
            Assert.StartsWith((string)output["data"]!, (string)whole["data"]!, StringComparison.Ordinal);
            Assert.Equal(((string)output["data"]!).Length < ((string)whole["data"]!).Length, call.Attributes.ContainsKey("mlflow.openai.media"));
        }

        Assert.NotEmpty(recordings);
    }

    private static List<Recording> Load()
    {
        var recordings = Recording.LoadAll();
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        return [.. recordings!];
    }

    /// <summary>Media whole, and the hosts of compatible servers, which cannot be known to speak this API.</summary>
    private static Restored CaptureWhole()
    {
        Mlflow.OpenAI.Autolog(configure: options =>
        {
            options.Media = MediaCapture.Whole;
            options.IncludedHosts.Add("openrouter.ai");
            options.IncludedHosts.Add("api.x.ai");
        });
        return new Restored(() => Mlflow.OpenAI.Autolog());
    }

    private async Task CompareAsync(
        IReadOnlyCollection<(Recording Recording, string TraceId)> replayed,
        ConcurrentBag<ExchangeDifference> differences,
        Func<Recording, StoredTrace?, IEnumerable<ExchangeDifference>> compare)
    {
        var flushed = await Mlflow.FlushAsync(Token);
        Assert.Equal(0, flushed.Dropped);
        await Parallel.ForEachAsync(replayed, Token, async (item, token) =>
        {
            foreach (var difference in compare(item.Recording, await tracked.GetTraceAsync(item.TraceId, token)))
            {
                differences.Add(difference);
            }
        });
    }

    private void Report(string how, bool isTyped, List<Recording> recordings, IReadOnlyCollection<ExchangeDifference> differences)
    {
        var judged = ExchangeClass.Judge(isTyped, [.. differences.OrderBy(d => d.Recording.Id, StringComparer.Ordinal)]);
        var report = new StringBuilder();
        report.AppendLine(CultureInfo.InvariantCulture, $"{how}: {recordings.Count} exchanges replayed");
        report.AppendLine("  replayed  agreed  differing  of these by");
        foreach (var api in recordings.GroupBy(recording => recording.Api).OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal))
        {
            var ids = api.Select(recording => recording.Id).ToHashSet();
            var differing = differences.Where(difference => ids.Contains(difference.Recording.Id)).ToList();
            var what = string.Join(", ", differing.GroupBy(d => d.What).OrderByDescending(g => g.Count()).Select(g => $"{g.Key} {g.Select(d => d.Recording.Id).Distinct().Count()}"));
            var count = differing.Select(d => d.Recording.Id).Distinct().Count();
            report.AppendLine(CultureInfo.InvariantCulture, $"  {ids.Count,8}  {ids.Count - count,6}  {count,9}  {api.Key}{(what.Length > 0 ? ": " + what : "")}");
        }

        report.Append(judged.Table);
        foreach (var (id, failure) in _packageFailures.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            report.AppendLine(CultureInfo.InvariantCulture, $"  (the OpenAI package failed on {id}: {failure})");
        }

        Xunit.TestContext.Current.TestOutputHelper!.WriteLine(report.ToString());
        Assert.True(judged.Faults.Count == 0, string.Join('\n', judged.Faults));
        Assert.NotEmpty(recordings);
    }

    private sealed class Restored(Action restore) : IDisposable
    {
        public void Dispose() => restore();
    }
}
