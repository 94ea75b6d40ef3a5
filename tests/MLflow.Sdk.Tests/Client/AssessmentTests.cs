using System.Text.Json;
using MLflow.Tests.Export;
using Xunit;

namespace MLflow.Tests.Client;

public sealed class AssessmentTests
{
    private const string Answer = """{"assessment":{"assessment_id":"a-1","assessment_name":"x","trace_id":"tr-1","feedback":{"value":true}}}""";
    private const string StartTrace = "/api/3.0/mlflow/traces";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<object, string> Values => new()
    {
        { true, "true" },
        { 5, "5" },
        { 0.25, "0.25" },
        { 1.5m, "1.5" },
        { "東京 \"x\"", """ "東京 \"x\"" """ },
        { DayOfWeek.Monday, "1" },
        { new[] { 1, 2 }, "[1,2]" },
        { new { a = new { b = "c" } }, """{"a":{"b":"c"}}""" },
        { new Dictionary<string, object?> { ["a"] = null }, """{"a":null}""" },
        { JsonElement.Parse("[true]"), "[true]" },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public async Task LogFeedback_AnyValue_IsItsJson(object value, string json)
    {
        await using var server = await StartAsync();
        await using var client = Some.Client(server);

        await client.LogFeedbackAsync("tr-1", "x", value, spanId: "4dc538ff62b0dad8", cancellationToken: Token);

        var sent = Assert.Single(server.Requests).Json.GetProperty("assessment");
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(json), sent.GetProperty("feedback").GetProperty("value")), sent.GetRawText());
        Assert.Equal("4dc538ff62b0dad8", sent.GetProperty("span_id").GetString());
        Assert.Equal("""{"source_type":"CODE","source_id":"default"}""", sent.GetProperty("source").GetRawText());
    }

    [Theory]
    [MemberData(nameof(Values))]
    public async Task LogExpectation_AnyValue_IsTextOfJsonWhereItIsAStructure(object value, string json)
    {
        await using var server = await StartAsync();
        await using var client = Some.Client(server);

        await client.LogExpectationAsync("tr-1", "x", value, cancellationToken: Token);

        var sent = Assert.Single(server.Requests).Json.GetProperty("assessment");
        var expectation = sent.GetProperty("expectation");
        var isStructure = json[0] is '{' or '[';
        var actual = isStructure ? JsonElement.Parse(expectation.GetProperty("serialized_value").GetProperty("value").GetString()!) : expectation.GetProperty("value");
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(json), actual), sent.GetRawText());
        Assert.Equal("""{"source_type":"HUMAN","source_id":"default"}""", sent.GetProperty("source").GetRawText());
        Assert.False(sent.TryGetProperty("valid", out _));
    }

    [Fact]
    public async Task LogFeedback_JudgeThatThrew_SendsItsErrorAndTheEndOfItsStack()
    {
        await using var server = await StartAsync();
        await using var client = Some.Client(server);
        var error = AssessmentError.From(new InvalidOperationException("no idea"));

        await client.LogFeedbackAsync("tr-1", "x", error: error with { StackTrace = new string('a', 20_000) + "end" }, source: AssessmentSource.LlmJudge("gpt"), cancellationToken: Token);

        var feedback = Assert.Single(server.Requests).Json.GetProperty("assessment").GetProperty("feedback");
        Assert.Equal(JsonValueKind.Null, feedback.GetProperty("value").ValueKind);
        Assert.Equal(("InvalidOperationException", "no idea"), (feedback.GetProperty("error").GetProperty("error_code").GetString(), feedback.GetProperty("error").GetProperty("error_message").GetString()));
        var stack = feedback.GetProperty("error").GetProperty("stack_trace").GetString()!;
        Assert.Equal(10_000, stack.Length);
        Assert.StartsWith("[Stack trace is truncated]\n...\na", stack, StringComparison.Ordinal);
        Assert.EndsWith("aend", stack, StringComparison.Ordinal);
        Assert.Equal("ASSESSMENT_ERROR", AssessmentError.From("text").Code);
    }

    [Fact]
    public async Task Log_WhatCannotBeSent_IsRefusedAtOnce()
    {
        await using var client = Some.Client("http://127.0.0.1:1");

        Assert.Contains("a value, or an error", (await Assert.ThrowsAsync<ArgumentException>(() => client.LogFeedbackAsync("tr-1", "x", cancellationToken: Token))).Message, StringComparison.Ordinal);
        Assert.Contains("NaN", (await Assert.ThrowsAsync<ArgumentException>(() => client.LogFeedbackAsync("tr-1", "x", double.NaN, cancellationToken: Token))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentNullException>(() => client.LogExpectationAsync("tr-1", "x", null!, cancellationToken: Token));
        Assert.Contains("'a-1' is to change", (await Assert.ThrowsAsync<ArgumentException>(() => client.UpdateFeedbackAsync("tr-1", "a-1", cancellationToken: Token))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Log_OnTheCurrentTrace_GoesAlongWithIt(bool takesFacts)
    {
        await using var server = await LoopbackServer.StartAsync();
        server.TakesFacts = takesFacts;
        await using var client = Some.Client(server);

        using (var span = client.StartSpan("work"))
        {
            var feedback = await client.LogFeedbackAsync(span.TraceId, "good", 5, rationale: "r", cancellationToken: Token);
            await client.LogExpectationAsync(span.TraceId, "answer", "42", spanId: span.SpanId, cancellationToken: Token);
            Assert.Equal((null, 5.0, "r", true), (feedback.AssessmentId, feedback.Number, feedback.Rationale, feedback.IsValid));
        }

        Assert.Empty(server.Requests);
        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        var info = takesFacts ? server.Requests.Where(r => r.Path == "/v1/traces").SelectMany(r => r.Facts).Single() : server.To(StartTrace).Single().Json.GetProperty("trace").GetProperty("trace_info");
        Assert.Equal(["good", "answer"], info.GetProperty("assessments").EnumerateArray().Select(a => a.GetProperty("assessment_name").GetString()));
    }

    [Fact]
    public async Task Log_VeryOftenOnARunningTrace_IsRefusedInTheEnd()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        using (var span = client.StartSpan("work"))
        {
            for (var i = 0; i < ActiveTrace.MaxAssessments; i++)
            {
                await client.LogFeedbackAsync(span.TraceId, "good", i, cancellationToken: Token);
            }

            var refusal = await Assert.ThrowsAsync<MlflowException>(() => client.LogFeedbackAsync(span.TraceId, "good", true, cancellationToken: Token));
            Assert.Equal($"The trace '{span.TraceId}' still runs and has 1000 assessments, the most that are kept until it is sent: log further ones when it has ended.", refusal.Message);
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        var info = server.To(StartTrace).Single().Json.GetProperty("trace").GetProperty("trace_info");
        Assert.Equal(ActiveTrace.MaxAssessments, info.GetProperty("assessments").GetArrayLength());
    }

    [Fact]
    public async Task Log_OnATraceThatRunsInAnotherFlow_GoesAlongWithIt()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        var started = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var logged = new TaskCompletionSource();
        var work = Task.Run(
            async () =>
            {
                using var span = client.StartSpan("work");
                started.SetResult(span.TraceId);
                await logged.Task;
            },
            Token);
        var traceId = await started.Task;

        Assert.Null((await client.LogFeedbackAsync(traceId, "good", true, cancellationToken: Token)).AssessmentId);
        await client.SetTraceTagAsync(traceId, "k", "v", Token);
        logged.SetResult();
        await work;

        await client.FlushAsync(Token);
        var info = server.To(StartTrace).Single().Json.GetProperty("trace").GetProperty("trace_info");
        Assert.Equal("good", Assert.Single(info.GetProperty("assessments").EnumerateArray()).GetProperty("assessment_name").GetString());
        Assert.Equal("v", info.GetProperty("tags").GetProperty("k").GetString());
        Assert.DoesNotContain(server.Requests, r => r.Path.Contains(traceId, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(404, """{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Trace with ID 'x' not found."}""")]
    [InlineData(400, """{"error_code":"BAD_REQUEST","message":"(sqlite3.IntegrityError) FOREIGN KEY constraint failed"}""")]
    public async Task Log_OnATraceThatWaits_SendsItFirst(int status, string missing)
    {
        await using var server = await StartAsync(started => HasTrace(started) ? (200, Answer) : (status, missing));
        await using var client = Some.Client(server);
        string traceId;
        using (var span = client.StartSpan("work"))
        {
            traceId = span.TraceId;
        }

        Assert.Equal("a-1", (await client.LogFeedbackAsync(traceId, "x", true, cancellationToken: Token)).AssessmentId);
        Assert.Equal(2, server.Requests.Count(r => r.Path.EndsWith("/assessments", StringComparison.Ordinal)));

        static bool HasTrace(LoopbackServer server) => server.To(StartTrace).Any(r => r.Path == StartTrace);
    }

    [Fact]
    public async Task Log_OnATraceThatIsNowhere_IsTheServersError()
    {
        await using var server = await StartAsync(_ => (404, """{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"Trace with ID 'tr-1' not found."}"""));
        await using var client = Some.Client(server);

        var e = await Assert.ThrowsAsync<MlflowException>(() => client.LogFeedbackAsync("tr-1", "x", true, cancellationToken: Token));

        Assert.Equal(MlflowErrorCode.ResourceDoesNotExist, e.ErrorCode);
    }

    [Fact]
    public async Task Override_AnExpectation_IsRefused()
    {
        await using var server = await StartAsync(_ => (200, """{"assessment":{"assessment_id":"a-1","expectation":{"value":1}}}"""));
        await using var client = Some.Client(server);

        var e = await Assert.ThrowsAsync<InvalidOperationException>(() => client.OverrideFeedbackAsync("tr-1", "a-1", 2, cancellationToken: Token));

        Assert.Contains("UpdateExpectationAsync", e.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public void Parse_TraceOfPython_HasItsAssessments()
    {
        const string json = """
            {"info": {"trace_id": "tr-1", "state": "OK", "assessments": [
              {"assessment_id": "a-1", "assessment_name": "good", "trace_id": "tr-1", "source": {"source_type": "AI_JUDGE", "source_id": "gpt"}, "feedback": {"value": 5.0}, "overrides": "a-0", "valid": false},
              {"assessment_id": "a-2", "assessment_name": "bad", "trace_id": "tr-1", "span_id": "4dc538ff62b0dad8", "source": {"source_type": "NEW_TYPE"}, "feedback": {"value": null, "error": {"error_code": "E", "error_message": "m"} } },
              {"assessment_id": "a-3", "assessment_name": "answer", "trace_id": "tr-1", "source": {"source_type": "HUMAN"}, "expectation": {"value": "a"} },
              {"assessment_id": "a-4", "assessment_name": "slow", "trace_id": "tr-1", "source": {"source_type": "CODE"}, "issue": {"issue_name": "Slow"} }]},
             "data": {"spans": []}}
            """;

        var assessments = TraceRecord.Parse(json).Assessments;

        Assert.Equal([AssessmentKind.Feedback, AssessmentKind.Feedback, AssessmentKind.Expectation, AssessmentKind.Issue], assessments.Select(a => a.Kind));
        Assert.Equal([AssessmentSourceType.LlmJudge, AssessmentSourceType.Unspecified, AssessmentSourceType.Human, AssessmentSourceType.Code], assessments.Select(a => a.Source.Type));
        Assert.Equal((5.0, false, "a-0"), (assessments[0].Number, assessments[0].IsValid, assessments[0].Overrides));
        Assert.Equal((null, new AssessmentError("E", "m"), "4dc538ff62b0dad8", true), (assessments[1].Value, assessments[1].Error, assessments[1].SpanId, assessments[1].IsValid));
        Assert.Equal("a", assessments[2].Text);
    }

    private static async Task<LoopbackServer> StartAsync(Func<LoopbackServer, (int Status, string Body)>? answer = null)
    {
        var server = await LoopbackServer.StartAsync();
        server.Intercept = async (context, request) =>
        {
            if (!request.Path.Contains("/assessments", StringComparison.Ordinal))
            {
                return false;
            }

            var (status, body) = answer?.Invoke(server) ?? (200, Answer);
            await LoopbackServer.AnswerAsync(context, status, body);
            return true;
        };
        return server;
    }

    [Fact]
    public async Task LogFeedback_RunningTrace_KeepsWhatItWasGivenAndRefusesANameThatTheServerWould()
    {
        await using var server = await LoopbackServer.StartAsync();
        await using var client = Some.Client(server);
        var metadata = new Dictionary<string, string> { ["judge"] = "a" };
        using (var span = client.StartSpan("work"))
        {
            await client.LogFeedbackAsync(span.TraceId, "good", true, metadata: metadata, cancellationToken: Token);
            metadata["judge"] = "b";
            var mistake = await Assert.ThrowsAsync<ArgumentException>(() => client.LogFeedbackAsync(span.TraceId, new string('n', 251), true, cancellationToken: Token));
            Assert.StartsWith("The assessment's name has 251 characters: it may have 250.", mistake.Message, StringComparison.Ordinal);
        }

        FlushAssert.Counts(await client.FlushAsync(Token), exported: 1);
        var assessment = Assert.Single(server.To(StartTrace).Single().Json.GetProperty("trace").GetProperty("trace_info").GetProperty("assessments").EnumerateArray());
        Assert.Equal("a", assessment.GetProperty("metadata").GetProperty("judge").GetString());
    }
}
