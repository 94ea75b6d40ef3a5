using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit;

namespace MLflow.EndToEnd.Tests.Recordings;

/// <summary>A call that the server records is stored as one that was recorded before it was sent.</summary>
[Collection("tracked process")]
public sealed partial class PlainCallTests(TrackedProcess tracked)
{
    private static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(MediaCapture.Whole, false)]
    [InlineData(MediaCapture.Preview, true)]
    public async Task Recordings_RecordedByClientOrServer_AreStoredAlike(MediaCapture media, bool isAsync)
    {
        var recordings = Load();
        var server = new Uri(Mlflow.TrackingUri);
        await using var ours = await ServerFront.StartAsync(server);
        await using var older = await ServerFront.StartAsync(server, hidesFeature: true);
        await using var other = await ServerFront.StartAsync(server, hidesConfirmation: true);
        await using var endpoint = await ReplayEndpoint.StartAsync(recordings);
        var client = new ReplayClient(endpoint);
        var byServer = await ReplayAsync(client, recordings, ours.Address, media, isAsync);
        var byClient = await ReplayAsync(client, recordings, older.Address, media, isAsync);

        // Each goes twice there, until the first one was not confirmed.
        var few = recordings.Take(200).ToList();
        var byBoth = await ReplayAsync(client, few, other.Address, media, isAsync);

        for (var i = 0; i < recordings.Count; i++)
        {
            Assert.True(byClient[i] == byServer[i], $"{recordings[i].Id}\nby the client: {byClient[i]}\nby the server: {byServer[i]}");
            Assert.True(i >= few.Count || byClient[i] == byBoth[i], $"{recordings[i].Id}\nby the client: {byClient[i]}\nby both:       {byBoth[i % few.Count]}");
        }

        // The rest are of operations, of sizes, or of statuses that do not go so, or may have a secret in them.
        Assert.InRange(ours.PlainCalls, recordings.Count / 2, recordings.Count);
        Assert.Equal(0, older.PlainCalls);
        Assert.InRange(other.PlainCalls, 1, few.Count);
        Xunit.TestContext.Current.TestOutputHelper!.WriteLine($"{recordings.Count} exchanges, {ours.PlainCalls} recorded by the server");
    }

    /// <summary>Each as a trace of its own; what is stored of it, without its ids and times.</summary>
    private async Task<List<string>> ReplayAsync(ReplayClient client, List<Recording> recordings, string server, MediaCapture media, bool isAsync)
    {
        var home = Mlflow.TrackingUri;
        Mlflow.SetTrackingUri(server);
        Mlflow.SetPrivacy(privacy => privacy.ScrubSecrets = true);
        Mlflow.OpenAI.Autolog(configure: options =>
        {
            options.Media = media;
            options.IncludedHosts.Add("openrouter.ai");
            options.IncludedHosts.Add("api.x.ai");
        });
        try
        {
            // Who is there must be known before the first call.
            Mlflow.StartSpan("first").Dispose();
            await Mlflow.FlushAsync(Token);
            var ids = new List<string>();
            foreach (var recording in recordings)
            {
                await client.SendAsync(recording, isAsync, Token);
                ids.Add(Mlflow.GetLastActiveTraceId()!);
            }

            Assert.Equal(recordings.Count, ids.Distinct().Count());
            var flushed = await Mlflow.FlushAsync(Token);
            Assert.Equal(0, flushed.Dropped + flushed.Pending);
            var stored = new List<string>();
            foreach (var id in ids)
            {
                stored.Add(WithoutIdsAndTimes(await tracked.GetTextAsync(id, Token), id));
            }

            return stored;
        }
        finally
        {
            Mlflow.OpenAI.Autolog();
            Mlflow.SetPrivacy(privacy => privacy.ScrubSecrets = false);
            Mlflow.SetTrackingUri(home);
        }
    }

    private static string WithoutIdsAndTimes(string trace, string id)
    {
        var node = JsonNode.Parse(trace, documentOptions: new JsonDocumentOptions { MaxDepth = 1024 })!["trace"]!;
        foreach (var span in node["spans"]!.AsArray())
        {
            var fields = span!.AsObject();
            Assert.True(fields.Remove("trace_id") & fields.Remove("span_id") & fields.Remove("start_time_unix_nano") & fields.Remove("end_time_unix_nano"));
            foreach (var item in span["events"]?.AsArray() ?? [])
            {
                item!.AsObject().Remove("time_unix_nano");
            }
        }

        var info = node["trace_info"]!.AsObject();
        Assert.True(info.Remove("request_time") & info.Remove("execution_duration"));
        return Port().Replace(node.ToJsonString(new JsonSerializerOptions { MaxDepth = 1024 }).Replace(id, "", StringComparison.Ordinal).Replace(id[3..], "", StringComparison.Ordinal), "");
    }

    [GeneratedRegex("127\\.0\\.0\\.1:[0-9]+")]
    private static partial Regex Port();

    /// <summary>Streams, which have times of their own, and failures, whose stacks the compiler changes meanwhile, are never left to the server.</summary>
    private static List<Recording> Load()
    {
        var recordings = Recording.LoadAll();
        Assert.SkipWhen(recordings is null, "The recordings (../shared/recordings) are not here.");
        return [.. recordings!.Where(recording => recording is { IsEventStream: false, Status: 200 })];
    }
}
