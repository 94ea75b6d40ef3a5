using System.Text;
using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Privacy;

/// <summary>What is said of traces that are stored already goes in requests of its own, and by the same rules.</summary>
public sealed class StoredTraceTests
{
    private const string Key = "sk-aB3dE5gH7jK9mN1pQ2sT4vW6";
    private const string Answer = """{"assessment":{"assessment_id":"a-1","assessment_name":"ssn","trace_id":"tr-1","feedback":{"value":true}}}""";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Secrets_InTagsAndFeedback_AreTakenOut()
    {
        await using var server = await StartAsync();
        await using var client = Some.Client(server);

        await client.SetTraceTagAsync("tr-1", "note", $"called with {Key}", Token);
        await client.LogFeedbackAsync("tr-1", "good", new { said = Key }, rationale: $"has {Key}", error: new AssessmentError("E", Key, Key), metadata: new Dictionary<string, string> { ["m"] = Key }, cancellationToken: Token);
        await client.LogExpectationAsync("tr-1", "answer", new[] { Key }, cancellationToken: Token);
        await client.OverrideFeedbackAsync("tr-1", "a-1", Key, cancellationToken: Token);
        await client.UpdateFeedbackAsync("tr-1", "a-1", Key, rationale: Key, metadata: new Dictionary<string, string> { ["m"] = Key }, cancellationToken: Token);
        await client.UpdateExpectationAsync("tr-1", "a-1", new { said = Key }, cancellationToken: Token);

        Assert.Equal(6, Written(server).Count);
        Assert.All(Written(server), body =>
        {
            Assert.DoesNotContain(Key, body, StringComparison.Ordinal);
            Assert.Contains("[REDACTED]", body, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Rules_OfTheProgram_HoldForTagsAndFeedback()
    {
        await using var server = await StartAsync();
        await using var client = Some.Client(server);
        client.SetPrivacy(privacy =>
        {
            privacy.RedactedKeys.Add("ssn");
            privacy.RedactedPatterns.Add("4242");
        });

        await client.SetTraceTagAsync("tr-1", "ssn", "mine", Token);
        await client.SetTraceTagAsync("tr-1", "card", "a 4242", Token);
        await client.LogFeedbackAsync("tr-1", "ssn", "mine", cancellationToken: Token);

        // Only the server knows that this one's name is ssn.
        await client.UpdateFeedbackAsync("tr-1", "a-1", "mine", cancellationToken: Token);

        Assert.Equal(4, Written(server).Count);
        Assert.All(Written(server), body => Assert.DoesNotMatch("mine|4242", body));
    }

    private static List<string> Written(LoopbackServer server) => [.. server.Requests.Where(request => request.Body.Length > 0).Select(request => Encoding.UTF8.GetString(request.Body))];

    private static async Task<LoopbackServer> StartAsync()
    {
        var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, _) =>
        {
            await LoopbackServer.AnswerAsync(context, 200, Answer);
            return true;
        };
        return server;
    }
}
