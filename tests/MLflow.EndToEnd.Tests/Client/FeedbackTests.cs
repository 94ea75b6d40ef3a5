using Xunit;

namespace MLflow.EndToEnd.Tests.Client;

public sealed class FeedbackTests : ClientTestBase
{
    [Fact]
    public async Task LogFeedback_OnATraceThatHasJustEnded_IsReadBackWithIt()
    {
        var id = Trace();

        var logged = await Client.LogFeedbackAsync(
            id, "helpful", true, AssessmentSource.Human("ada"), "right city", metadata: new Dictionary<string, string> { ["page"] = "1" }, cancellationToken: Token);

        var trace = await Client.GetTraceAsync(id, Token);
        var found = await Client.SearchTracesAsync("feedback.helpful = 'true'", new TraceSearchOptions { IncludeSpans = false }, Token).SingleAsync(Token);
        foreach (var feedback in (Assessment[])[logged, Assert.Single(trace.Assessments), Assert.Single(found.Assessments), await Client.GetAssessmentAsync(id, logged.AssessmentId!, Token)])
        {
            Assert.Equal((logged.AssessmentId, "helpful", id, true, "right city", "1"), (feedback.AssessmentId, feedback.Name, feedback.TraceId, feedback.Boolean, feedback.Rationale, feedback.Metadata["page"]));
            Assert.Equal(AssessmentSource.Human("ada"), feedback.Source);
            Assert.Equal(logged.CreateTime, feedback.CreateTime);
        }
    }

    [Fact]
    public async Task LogExpectation_OnASpan_IsReadBackWithIt()
    {
        var id = Trace();
        var span = Assert.Single((await Client.GetTraceAsync(id, Token)).Spans).SpanId;

        await Client.LogExpectationAsync(id, "documents", new { ids = new[] { 1, 2 }, city = "東京" }, spanId: span, cancellationToken: Token);

        var expectation = Assert.Single((await Client.GetTraceAsync(id, Token)).Assessments);
        Assert.Equal((AssessmentKind.Expectation, span), (expectation.Kind, expectation.SpanId));
        Assert.Equal((2, "東京"), (expectation.Value!.Value.GetProperty("ids").GetArrayLength(), expectation.Value.Value.GetProperty("city").GetString()));
        Assert.Equal(AssessmentSource.Human(), expectation.Source);
    }

    [Fact]
    public async Task Log_WithinTheTrace_IsStoredWithIt()
    {
        string id;
        using (var span = Client.StartSpan("work"))
        {
            id = span.TraceId;
            await Client.LogFeedbackAsync(id, "score", 0.75, AssessmentSource.LlmJudge("gpt-4o"), cancellationToken: Token);
            await Client.LogExpectationAsync(id, "answer", "42", cancellationToken: Token);
        }

        var trace = await Client.GetTraceAsync(id, Token);

        Assert.Equal(["score", "answer"], trace.Assessments.Select(assessment => assessment.Name));
        Assert.All(trace.Assessments, assessment => Assert.Matches("^a-[0-9a-f]{32}$", assessment.AssessmentId));
        Assert.Equal(0.75, (await Client.GetAssessmentAsync(id, trace.Assessments[0].AssessmentId!, Token)).Number);
        Assert.Equal(id, (await Client.SearchTracesAsync("feedback.score = '0.75' AND expectation.answer = '42'", cancellationToken: Token).SingleAsync(Token)).TraceId);
    }

    [Fact]
    public async Task Override_AndDeleteIt_KeepsAndRestoresTheOldOne()
    {
        var id = Trace();
        var old = await Client.LogFeedbackAsync(id, "good", true, cancellationToken: Token);

        var @new = await Client.OverrideFeedbackAsync(id, old.AssessmentId!, false, AssessmentSource.Human("bob"), "not at all", cancellationToken: Token);

        Assert.Equal([(true, false), (false, true)], (await Client.GetTraceAsync(id, Token)).Assessments.Select(a => (a.Boolean!.Value, a.IsValid)));
        Assert.Equal(("good", old.AssessmentId), (@new.Name, @new.Overrides));
        Assert.Empty(await Client.SearchTracesAsync("feedback.good = 'true'", cancellationToken: Token).ToListAsync(Token));

        await Client.DeleteAssessmentAsync(id, @new.AssessmentId!, Token);
        await Client.DeleteAssessmentAsync(id, @new.AssessmentId!, Token);

        Assert.True(Assert.Single((await Client.GetTraceAsync(id, Token)).Assessments).IsValid);
        Assert.Single(await Client.SearchTracesAsync("feedback.good = 'true'", cancellationToken: Token).ToListAsync(Token));
    }

    [Fact]
    public async Task Update_FeedbackAndExpectation_ChangesWhatIsNamed()
    {
        var id = Trace();
        var feedback = await Client.LogFeedbackAsync(id, "good", error: AssessmentError.From(new TimeoutException("judge away")), rationale: "r", cancellationToken: Token);
        var expectation = await Client.LogExpectationAsync(id, "answer", "a", cancellationToken: Token);
        Assert.Equal(("TimeoutException", "judge away"), (feedback.Error!.Code, feedback.Error.Message));

        var valued = await Client.UpdateFeedbackAsync(id, feedback.AssessmentId!, "fine", metadata: new Dictionary<string, string> { ["m"] = "1" }, cancellationToken: Token);
        var renamed = await Client.UpdateExpectationAsync(id, expectation.AssessmentId!, name: "right answer", cancellationToken: Token);

        Assert.Equal(("fine", null, "r", "1"), (valued.Text, valued.Error, valued.Rationale, valued.Metadata["m"]));
        Assert.Equal(("right answer", "a"), (renamed.Name, renamed.Text));
        var e = await Assert.ThrowsAsync<MlflowException>(() => Client.UpdateFeedbackAsync(id, expectation.AssessmentId!, 1, cancellationToken: Token));
        Assert.Equal(MlflowErrorCode.InvalidParameterValue, e.ErrorCode);
    }

    [Fact]
    public async Task Missing_TraceOrAssessment_IsToldApart()
    {
        var id = Trace();
        await Client.FlushAsync(Token);

        var noTrace = await Assert.ThrowsAsync<MlflowException>(() => Client.LogFeedbackAsync("tr-nope", "x", 1, cancellationToken: Token));
        var noAssessment = await Assert.ThrowsAsync<MlflowException>(() => Client.GetAssessmentAsync(id, "a-nope", Token));

        Assert.Equal((MlflowErrorCode.ResourceDoesNotExist, "Trace with ID 'tr-nope' not found."), (noTrace.ErrorCode, noTrace.ServerMessage));
        Assert.Equal((MlflowErrorCode.ResourceDoesNotExist, $"Assessment with ID 'a-nope' not found for trace '{id}'"), (noAssessment.ErrorCode, noAssessment.ServerMessage));
    }
}
