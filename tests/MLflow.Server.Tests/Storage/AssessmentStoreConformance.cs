using MLflow.Server.Assessments;
using MLflow.Server.Storage;
using MLflow.Server.Traces;
using Xunit;
using static MLflow.Server.Tests.Storage.SomeTrace;

namespace MLflow.Server.Tests.Storage;

/// <summary>What every <see cref="IAssessmentStore"/> must do, together with the <see cref="ITraceStore"/> that shows assessments with their traces.</summary>
public abstract class AssessmentStoreConformance : IAsyncLifetime
{
    private int _next;

    private protected IAssessmentStore Store { get; private set; } = null!;

    private protected ITraceStore Traces { get; private set; } = null!;

    protected static CancellationToken Cancellation => Xunit.TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => (Store, Traces) = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<(IAssessmentStore Assessments, ITraceStore Traces)> OpenAsync();

    protected abstract Task CloseAsync();

    [Fact]
    public async Task Create_Whole_IsReadBackAloneAndWithItsTrace()
    {
        var traceId = await TraceAsync();
        var feedback = Feedback(traceId, "correct", """{"a": ["東京", 1.50, null]}""") with
        {
            SpanId = SpanId(1),
            Error = """{"error_code":"ValueError","error_message":"x"}""",
            Rationale = "because",
            Metadata = new Dictionary<string, string> { ["m"] = "1", ["ü"] = "\"" },
        };
        var expectation = Feedback(traceId, "answer", "[1]") with { Type = AssessmentType.Expectation, IsSerialized = true, SourceId = null, CreateTimeMs = StartMs + 1 };

        await Store.CreateAsync(feedback, Cancellation);
        await Store.CreateAsync(expectation, Cancellation);

        Assert.Equivalent(feedback, await Store.GetAsync(traceId, feedback.AssessmentId, Cancellation), strict: true);
        Assert.Equivalent(new[] { feedback, expectation }, await OfTraceAsync(traceId), strict: true);
        Assert.Equal(2, Assert.Single((await Traces.SearchAsync(new TraceQuery { ExperimentIds = [0] }, Cancellation)).Traces).Assessments.Count);
    }

    [Fact]
    public async Task Create_WhereItCannotHang_IsRefused()
    {
        var traceId = await TraceAsync();

        await AssertMissingAsync("Trace with ID 'tr-nope' not found.", () => Store.CreateAsync(Feedback("tr-nope"), Cancellation));
        await AssertMissingAsync($"Assessment with ID 'a-nope' not found for trace '{traceId}'", () => Store.CreateAsync(Feedback(traceId) with { Overrides = "a-nope" }, Cancellation));
        Assert.Empty(await OfTraceAsync(traceId));
    }

    [Fact]
    public async Task Get_Missing_SaysWhetherTheTraceIsThere()
    {
        var (traceId, other) = (await TraceAsync(), await TraceAsync());
        var assessment = Feedback(other);
        await Store.CreateAsync(assessment, Cancellation);

        await AssertMissingAsync("Trace with request_id 'tr-nope' not found", () => Store.GetAsync("tr-nope", "a-1", Cancellation));
        await AssertMissingAsync($"Assessment with ID '{assessment.AssessmentId}' not found for trace '{traceId}'", () => Store.GetAsync(traceId, assessment.AssessmentId, Cancellation));
    }

    [Fact]
    public async Task Update_SomeFields_LeavesTheOthers()
    {
        var traceId = await TraceAsync();
        var old = Feedback(traceId) with { Rationale = "r", Metadata = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" }, Error = "{}" };
        await Store.CreateAsync(old, Cancellation);

        var named = await Store.UpdateAsync(traceId, old.AssessmentId, new AssessmentChange { Name = "new", Metadata = new Dictionary<string, string> { ["b"] = "3" } }, Cancellation);
        Assert.True(named.LastUpdateTimeMs > old.LastUpdateTimeMs);
        Assert.Equivalent(
            old with { Name = "new", Metadata = new Dictionary<string, string> { ["a"] = "1", ["b"] = "3" }, LastUpdateTimeMs = named.LastUpdateTimeMs }, named, strict: true);

        var valued = await Store.UpdateAsync(traceId, old.AssessmentId, new AssessmentChange { Type = AssessmentType.Feedback, Value = "0.5", HasRationale = true, IsValid = false }, Cancellation);
        Assert.Equal(("0.5", null, null, false, "new"), (valued.Value, valued.Error, valued.Rationale, valued.IsValid, valued.Name));
        Assert.Equivalent(valued, await Store.GetAsync(traceId, old.AssessmentId, Cancellation), strict: true);
    }

    [Fact]
    public async Task Update_ToAnotherType_IsRefused()
    {
        var traceId = await TraceAsync();
        var assessment = Feedback(traceId);
        await Store.CreateAsync(assessment, Cancellation);

        var e = await Assert.ThrowsAsync<MlflowException>(() =>
            Store.UpdateAsync(traceId, assessment.AssessmentId, new AssessmentChange { Type = AssessmentType.Expectation, Value = "1" }, Cancellation));

        Assert.Equal(ErrorCode.INVALID_PARAMETER_VALUE, e.ErrorCode);
        await AssertMissingAsync($"Assessment with ID 'a-nope' not found for trace '{traceId}'", () => Store.UpdateAsync(traceId, "a-nope", new AssessmentChange(), Cancellation));
        await AssertMissingAsync("Trace with request_id 'tr-nope' not found", () => Store.UpdateAsync("tr-nope", "a-nope", new AssessmentChange(), Cancellation));
    }

    [Theory]
    [InlineData("", "--+")]
    [InlineData("3", "-+")]
    [InlineData("2", "-+")]
    [InlineData("1", "-+")]
    [InlineData("2 3", "+")]
    [InlineData("3 2", "+")]
    [InlineData("1 3", "+")]
    [InlineData("2 1", "+")]
    public async Task Overrides_InAnyOrderOfDeletion_LeaveTheLastOneValid(string deleted, string valid)
    {
        var traceId = await TraceAsync();
        var first = Feedback(traceId);
        var second = Feedback(traceId) with { Overrides = first.AssessmentId };
        var third = Feedback(traceId) with { Overrides = second.AssessmentId };
        AssessmentRecord[] all = [first, second, third];
        foreach (var assessment in all)
        {
            await Store.CreateAsync(assessment, Cancellation);
        }

        foreach (var number in deleted.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            await Store.DeleteAsync(traceId, all[int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) - 1].AssessmentId, Cancellation);
        }

        Assert.Equal(valid, string.Concat((await OfTraceAsync(traceId)).Select(assessment => assessment.IsValid ? '+' : '-')));
    }

    [Fact]
    public async Task Delete_MissingOrOfAnotherTrace_ChangesNothing()
    {
        var (traceId, other) = (await TraceAsync(), await TraceAsync());
        var assessment = Feedback(traceId);
        await Store.CreateAsync(assessment, Cancellation);

        await Store.DeleteAsync(other, assessment.AssessmentId, Cancellation);
        await Store.DeleteAsync(traceId, "a-nope", Cancellation);
        Assert.Single(await OfTraceAsync(traceId));

        await Store.DeleteAsync(traceId, assessment.AssessmentId, Cancellation);
        Assert.Empty(await OfTraceAsync(traceId));
    }

    [Fact]
    public async Task Delete_TheTrace_TakesItsAssessmentsAlong()
    {
        var id = NewOtelId();
        await Traces.WriteAsync(Batch(Span(id, 1)), Cancellation);
        await Store.CreateAsync(Feedback("tr-" + id), Cancellation);

        await Traces.DeleteAsync(new TraceDeletion { ExperimentId = 0, TraceIds = ["tr-" + id] }, Cancellation);
        await Traces.WriteAsync(Batch(Span(id, 1)), Cancellation);

        Assert.Empty(await OfTraceAsync("tr-" + id));
    }

    [Fact]
    public async Task Write_InfoWithAssessmentsTwice_StoresThemOnce()
    {
        var id = NewOtelId();
        var assessment = Feedback("tr-" + id);
        var batch = new TraceBatch { Infos = [Info(id) with { Assessments = [assessment] }] };

        await Traces.WriteAsync(batch, Cancellation);
        var updated = await Store.UpdateAsync("tr-" + id, assessment.AssessmentId, new AssessmentChange { Name = "renamed" }, Cancellation);
        await Traces.WriteAsync(batch, Cancellation);

        Assert.Equivalent(new[] { updated }, await OfTraceAsync("tr-" + id), strict: true);
    }

    [Theory]
    [InlineData("feedback.good = 'true'", "bool")]
    [InlineData("feedback.good = 'yes'", "string")]
    [InlineData("feedback.good = '\"yes\"'", "string")]
    [InlineData("feedback.good = '5'", "number")]
    [InlineData("feedback.good = '5.0'", "number")]
    [InlineData("feedback.good = '5.5'", "")]
    [InlineData("feedback.good != 'true'", "error number string")]
    [InlineData("feedback.good != '5.0'", "bool error string")]
    [InlineData("feedback.good != 'NaN'", "bool error number string")]
    [InlineData("feedback.good = '-Infinity'", "")]
    [InlineData("feedback.good LIKE 'y%'", "string")]
    [InlineData("feedback.good ILIKE 'YES'", "string")]
    [InlineData("feedback.good RLIKE '^(yes|true)$'", "bool string")]
    [InlineData("feedback.good IS NOT NULL", "bool error number string")]
    [InlineData("feedback.good IS NULL", "expectation overridden")]
    [InlineData("expectation.good = 'yes'", "expectation")]
    [InlineData("expectation.good IS NOT NULL AND status = 'OK'", "expectation")]
    [InlineData("feedback.`good` = 'true' AND feedback.other IS NULL", "bool")]
    public async Task Search_ByAssessment_SeesValidOnesOfTheirType(string filter, string expected)
    {
        var names = new Dictionary<string, string>();
        foreach (var (name, value) in ((string, string)[])[("bool", "true"), ("string", "\"yes\""), ("number", "5"), ("error", "null"), ("expectation", "\"yes\""), ("overridden", "true")])
        {
            var traceId = await TraceAsync();
            names[traceId] = name;
            await Store.CreateAsync(
                Feedback(traceId, "good", value) with { Type = name == "expectation" ? AssessmentType.Expectation : AssessmentType.Feedback, IsValid = name != "overridden" }, Cancellation);
        }

        var query = new TraceQuery { ExperimentIds = [0], Filter = filter };
        var page = await Traces.SearchAsync(query, Cancellation);

        Assert.Equal(expected, string.Join(' ', page.Traces.Select(trace => names[trace.TraceId]).Order()));
        Assert.Equal(page.Traces.Count, await Traces.CountAsync(query, 100, Cancellation));
    }

    [Fact]
    public async Task Search_ByAssessmentOfASession_FindsAllItsTraces()
    {
        async Task<string> InSessionAsync(string? session, long experimentId = 0)
        {
            var id = NewOtelId();
            var info = Info(id, experimentId);
            await Traces.WriteAsync(new TraceBatch { Infos = [session is null ? info : info with { Metadata = new Dictionary<string, string> { ["mlflow.trace.session"] = session } }] }, Cancellation);
            return "tr-" + id;
        }

        var (first, second, other, alone) = (await InSessionAsync("s-1"), await InSessionAsync("s-1"), await InSessionAsync("s-2"), await InSessionAsync(null));
        await Store.CreateAsync(Feedback(first, "whole", "\"good\"") with { Metadata = new Dictionary<string, string> { ["mlflow.trace.session"] = "s-1" } }, Cancellation);
        await Store.CreateAsync(Feedback(first, "single", "\"good\""), Cancellation);

        async Task<IEnumerable<string>> FindAsync(string filter) =>
            (await Traces.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = filter, OrderBy = ["request_id"] }, Cancellation)).Traces.Select(trace => trace.TraceId);
        Assert.Equal([first, second], await FindAsync("feedback.whole = 'good'"));
        Assert.Equal([other, alone], await FindAsync("feedback.whole IS NULL"));
        Assert.Equal([first], await FindAsync("feedback.single = 'good'"));
        Assert.Empty(await FindAsync("feedback.whole != 'good'"));
    }

    [Fact]
    public async Task Search_ByIssue_FindsTheTracesThatItIsLinkedTo()
    {
        var (with, without) = (await TraceAsync(), await TraceAsync());
        await Store.CreateAsync(Feedback(with, "iss-1", "{\"issue_name\": \"slow\"}") with { Type = AssessmentType.Issue }, Cancellation);
        await Store.CreateAsync(Feedback(without, "iss-1"), Cancellation);

        var page = await Traces.SearchAsync(new TraceQuery { ExperimentIds = [0], Filter = "issue.id = 'iss-1'" }, Cancellation);

        Assert.Equal(with, Assert.Single(page.Traces).TraceId);
    }

    private static async Task AssertMissingAsync(string message, Func<Task> work)
    {
        var e = await Assert.ThrowsAsync<MlflowException>(work);
        Assert.Equal((ErrorCode.RESOURCE_DOES_NOT_EXIST, message), (e.ErrorCode, e.Message));
    }

    private AssessmentRecord Feedback(string traceId, string name = "good", string value = "true")
    {
        var number = ++_next;
        return new()
        {
            AssessmentId = $"a-{number}-{traceId}",
            TraceId = traceId,
            Name = name,
            Type = AssessmentType.Feedback,
            Value = value,
            SourceType = "HUMAN",
            SourceId = "bob",
            CreateTimeMs = StartMs,
            LastUpdateTimeMs = StartMs,
        };
    }

    private async Task<string> TraceAsync()
    {
        var id = NewOtelId();
        await Traces.WriteAsync(Batch(Span(id, 1)), Cancellation);
        return "tr-" + id;
    }

    private async Task<IReadOnlyList<AssessmentRecord>> OfTraceAsync(string traceId) => Assert.Single(await Traces.GetInfosAsync([traceId], Cancellation)).Assessments;
}
