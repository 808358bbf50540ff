function scores = enlarge_folder(modelPath, folder, outFolder)
% ENLARGE_FOLDER  Super-resolution of the pictures in a folder, with PSNR
%   Each is reduced to half its size and enlarged again: by bicubic
%   interpolation, and by the network. SCORES has a row for each picture.

run(fullfile('matconvnet', 'matlab', 'vl_setupnn.m')) ;

net = dagnn.DagNN.loadobj(load(modelPath)) ;
net.mode = 'test' ;
out = net.getVarIndex('prediction') ;
net.vars(out).precious = 1 ;
margin = net.meta.margin ;

if ~exist(outFolder, 'dir'), mkdir(outFolder) ; end
files = dir(fullfile(folder, '*.png')) ;
scores = zeros(numel(files), 2) ;
for i = 1:numel(files)
  im = imread(fullfile(folder, files(i).name)) ;
  if size(im, 3) == 3                      % the network sees brightness alone
    im = rgb2ycbcr(im) ;
    im = im(:,:,1) ;
  end
  im = im(1:end-mod(end,2), 1:end-mod(end,2)) ;
  label = im2single(im) ;
  low = imresize(label, 0.5, 'bicubic') ;

  bicubic = imresize(low, 2, 'bicubic') ;
  x = padarray(low, [margin margin], 'replicate') ;
  net.eval({'input', x}) ;
  y = gather(net.vars(out).value) ;

  scores(i,1) = psnr(im2uint8(shave(bicubic, 4)), im2uint8(shave(label, 4))) ;
  scores(i,2) = psnr(im2uint8(shave(y, 4)), im2uint8(shave(label, 4))) ;
  fprintf('%-20s bicubic %5.2f dB, network %5.2f dB\n', files(i).name, scores(i,:)) ;
  imwrite(im2uint8(y), fullfile(outFolder, files(i).name)) ;
end
fprintf('%-20s bicubic %5.2f dB, network %5.2f dB\n', 'mean', mean(scores, 1)) ;

% -------------------------------------------------------------------------
function im = shave(im, border)
% -------------------------------------------------------------------------
im = im(1+border:end-border, 1+border:end-border) ;
