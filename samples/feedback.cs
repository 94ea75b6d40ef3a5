#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI.Chat;

await using var sample = await Sample.StartAsync();

Mlflow.OpenAI.Autolog();
Mlflow.SetTrackingUri(Sample.TrackingUri);
await Mlflow.SetExperimentAsync("openai-feedback-demo");

var client = new ChatClient("gpt-4o-mini", sample.Key, sample.Options);
ChatCompletion answer = await client.CompleteChatAsync("What is the capital of France?");
var traceId = Mlflow.GetLastActiveTraceId()!;

// What would have been right, a check of your own, and what the user says: on the trace that has just ended
await Mlflow.LogExpectationAsync(traceId, "capital", "Paris");
var check = await Mlflow.LogFeedbackAsync(traceId, "names_the_capital", answer.Content[0].Text.Contains("Paris"), AssessmentSource.Code("feedback.cs"));
await Mlflow.LogFeedbackAsync(traceId, "helpful", 4, AssessmentSource.Human("ada"), rationale: "short and right");
Console.WriteLine($"Checked: {check}");

// Somebody looks again: the new feedback replaces the old one, which stays as history
await Mlflow.OverrideFeedbackAsync(traceId, check.AssessmentId!, true, AssessmentSource.Human("bob"), rationale: "read it myself");
await Mlflow.SetTraceTagAsync(traceId, "reviewed", "yes");

// All traces that were judged so, with their spans, page by page as they are read
await foreach (var trace in Mlflow.SearchTracesAsync("feedback.names_the_capital = 'true' AND tags.reviewed = 'yes'"))
{
    Console.WriteLine($"Found: {trace.TraceId}, {trace.Spans[0].Name}: {trace.RequestPreview}");
    foreach (var assessment in trace.Assessments)
    {
        Console.WriteLine($"  {assessment} by {assessment.Source.Id}{(assessment.IsValid ? "" : ", replaced")}");
    }
}
