#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI.Images;

await using var sample = await Sample.StartAsync();

// Enable trace logging
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("openai-images-demo");

var client = new ImageClient("gpt-image-1", sample.Key, sample.Options);

GeneratedImage image = client.GenerateImage(
    "A round moon above the sea, in flat shapes",
    new ImageGenerationOptions { Size = GeneratedImageSize.W1024xH1024, Quality = new GeneratedImageQuality("low") });

Console.WriteLine($"The picture has {image.ImageBytes.ToMemory().Length} bytes.");
