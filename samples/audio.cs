#:project Setup
#:package OpenAI

using MLflow;
using MLflow.Samples;
using OpenAI.Audio;

await using var sample = await Sample.StartAsync();

// Enable trace logging
Mlflow.OpenAI.Autolog();

// Set up MLflow tracking
Mlflow.SetTrackingUri(Sample.TrackingUri);
Mlflow.SetExperiment("openai-audio-demo");

var speaker = new AudioClient("gpt-4o-mini-tts", sample.Key, sample.Options);
var listener = new AudioClient("gpt-4o-mini-transcribe", sample.Key, sample.Options);

// Say a sentence and write down what can be heard: two calls in one trace
var heard = await Mlflow.TraceAsync("say_and_listen", SpanType.Chain, async span =>
{
    const string Sentence = "Today is a wonderful day to build something people love!";
    span.SetInputs(new Dictionary<string, string> { ["sentence"] = Sentence });

    BinaryData speech = await speaker.GenerateSpeechAsync(
        Sentence,
        GeneratedSpeechVoice.Alloy,
        new SpeechGenerationOptions { ResponseFormat = GeneratedSpeechFormat.Wav });

    AudioTranscription transcription = await listener.TranscribeAudioAsync(speech.ToStream(), "speech.wav");
    return transcription.Text;
});

Console.WriteLine(heard);
