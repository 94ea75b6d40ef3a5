#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI.Embeddings;

await using var sample = await Sample.StartAsync();

// Enable trace logging
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("openai-embeddings-demo");

var client = new EmbeddingClient("text-embedding-3-small", sample.Key, sample.Options);

string[] questions =
[
    "How fast would a glass of water freeze on Titan?",
    "How fast would a lake freeze on Titan?",
    "What is the capital of France?",
];

OpenAIEmbeddingCollection embeddings = client.GenerateEmbeddings(questions, new EmbeddingGenerationOptions { Dimensions = 256 });

// The vectors have length one, so their product is their similarity
var first = embeddings[0].ToFloats().ToArray();
foreach (var embedding in embeddings)
{
    var similarity = first.Zip(embedding.ToFloats().ToArray(), (a, b) => a * b).Sum();
    Console.WriteLine($"{similarity:F2}  {questions[embedding.Index]}");
}
