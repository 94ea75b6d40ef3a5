using MLflow.Server.Assessments;
using MLflow.Server.Pricing;
using MLflow.Server.Traces;
using MLflow.Server.Traces.Filters;
using MLflow.Server.Ui.List;
using Xunit;

namespace MLflow.Server.Tests.Ui;

public sealed class CellFilterTests
{
    [Theory]
    [InlineData("time", "trace.timestamp_ms >= 1795399320000 AND trace.timestamp_ms < 1795399380000")]
    [InlineData("state", "trace.status = 'ERROR'")]
    [InlineData("request", null)]
    [InlineData("name", "trace.name = \"it's\"")]
    [InlineData("latency", "trace.execution_time_ms >= 1500")]
    [InlineData("tokens", "trace.tokens >= 12")]
    [InlineData("cost", "trace.cost >= 0.0000105")]
    [InlineData("first", null)]
    [InlineData("model", "span.attributes.`mlflow.llm.model` = 'gpt-4o'")]
    [InlineData("user", "metadata.`mlflow.trace.user` = 'mika'")]
    [InlineData("session", null)]
    [InlineData("trace", "trace.request_id = 'tr-1'")]
    [InlineData("tag.my key", "tags.`my key` = '東京'")]
    [InlineData("tag.none", null)]
    [InlineData("feedback", "feedback.good = 'false'")]
    [InlineData("feedback.good", "feedback.good = 'false'")]
    [InlineData("feedback.none", null)]
    public void Of_Cell_IsAClauseThatTheGrammarTakes(string column, string? clause)
    {
        var info = new TraceInfo
        {
            TraceId = "tr-1",
            ExperimentId = 0,
            RequestTimeMs = 1_795_399_326_000,
            DurationMs = 1500,
            State = TraceState.Error,
            Facts = new TraceFacts { Name = "it's", Model = "gpt-4o", TotalTokens = 12, Cost = new CallCost(10_000_000, 500_000) },
            Metadata = new Dictionary<string, string> { ["mlflow.trace.user"] = "mika" },
            Tags = new Dictionary<string, string> { ["my key"] = "東京" },
            Assessments = [new AssessmentRecord { AssessmentId = "a-1", TraceId = "tr-1", Name = "good", Type = AssessmentType.Feedback, Value = "false", SourceType = "HUMAN", SourceId = "mika", CreateTimeMs = 1, LastUpdateTimeMs = 1, IsValid = true }],
        };

        Assert.Equal(clause, CellFilter.Of(new TraceRow(info, DateTimeOffset.UnixEpoch), new ListColumn(column)));
        TraceFilter.Parse(clause);
    }
}
